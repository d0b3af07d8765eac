"""A process that stops loses no request that it has read, and tells WebSockets to reconnect."""

import asyncio
import signal
import time
from dataclasses import dataclass, field

import psycopg

from rehearse.load import Answer, Client, Outcome
from tests.harness.combinations import is_asgi
from tests.harness.site import STOPPED, Site
from tests.harness.sockets import SocketClients, restart_code
from tests.harness.waiting import wait_until

# Requests in flight, which a lock delays for SECONDS after the signal: three or more wait in the
# database, the others for a thread.
WAITING, HELD_UP = 6, 3
# By server; under Gunicorn a request waits 5 s for a connection that others hold.
SECONDS = {"wsgi-gunicorn": 4}
MOST_SECONDS = 8
# For how long the router goes on sending.
ROUTER_SECONDS = 2
# Clients that ask again and again, on one connection or each time on a new one; and idle ones.
BUSY, IDLE = 4, 5
# Of few people: each one's arrival is sent to all pages.
SOCKETS, PEOPLE = 200, 10


@dataclass
class Visitors:
    """Clients of every kind; ``asked`` has when each request was sent, and its answer."""

    site: Site
    session: str
    asked: list[tuple[float, Answer]] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, client: Client, path: str) -> None:
        sent_at = time.monotonic()
        self.asked.append((sent_at, await client.get(path)))

    async def ask_once(self, path: str) -> None:
        client = self.site.client(self.session)
        await self.ask(client, path)
        client.close()

    async def fall_idle(self) -> None:
        client = self.site.client(self.session)
        await self.ask(client, "/healthz")
        await self.gone.wait()
        client.close()

    async def ask_on(self, stay: bool) -> None:
        client = self.site.client(self.session)
        while not self.over.is_set():
            await self.ask(client, "/healthz")
            if not stay:
                client.close()
            await asyncio.sleep(0.05)
        client.close()


async def stop_under_load(
    site: Site, visitors: Visitors, lock, held_up, seconds: int
) -> tuple[float, float]:
    """Stop the site under load; return when, and how many seconds it took to exit.

    ``held_up()`` is how many requests wait for ``lock``, which is released after ``seconds``.
    """
    start = asyncio.create_task
    others = [start(visitors.fall_idle()) for _ in range(IDLE)]
    others += [start(visitors.ask_on(stay)) for stay in [True, False] * BUSY]
    with lock:
        waiting = [start(visitors.ask_once("/")) for _ in range(WAITING)]
        await asyncio.to_thread(wait_until, lambda: held_up() >= HELD_UP, "requests at the lock")
        site.process.signal(signal.SIGTERM)
        stopped_at = time.monotonic()
        for _ in range(ROUTER_SECONDS * 5):
            waiting.append(start(visitors.ask_once("/healthz")))
            await asyncio.sleep(0.2)
        visitors.over.set()
        await asyncio.sleep(seconds - ROUTER_SECONDS)
    await asyncio.gather(*waiting)
    await asyncio.to_thread(site.process.process.wait, site.process.grace)
    exited_after = time.monotonic() - stopped_at
    visitors.gone.set()
    await asyncio.gather(*others)
    return stopped_at, exited_after


# How a request may end that is sent after the signal, beside an answer. A server that stops closes
# idle connections: what a client sends on one has not reached it.
NOT_REACHED = {Outcome.REFUSED, Outcome.NOT_SENT}
# docs/upstream.md: Gunicorn resets those that the kernel has accepted.
RESET = {"wsgi-gunicorn": {Outcome.CLOSED}}


def is_lost(sent_at: float, answer: Answer, stopped_at: float, server: str) -> bool:
    """Whether it was neither answered in full nor, after the signal, refused at once."""
    if sent_at > stopped_at and answer.outcome in NOT_REACHED | RESET.get(server, set()):
        return False
    return (answer.outcome, answer.status) != (Outcome.COMPLETE, 200)


def pages_in(database: str) -> int:
    """How many rows the open WebSockets have: a consumer deletes its own when it ends."""
    query = """
        SELECT count(*) FROM presence_connection JOIN users_user ON users_user.id = user_id
        WHERE username ~ '^person[0-9]'
    """
    with psycopg.connect(database) as connection:
        return connection.execute(query).fetchone()[0]


def test_it_stops_without_loss(deployment, sessions, services, database, project, report):
    server, pages = project.answers["server"], SOCKETS if is_asgi(project.answers) else 0
    postgres, name = services.postgres, project.database
    # Requests read this table, and WebSockets that close do not.
    lock = postgres.locked(name, "django_session")

    async def rehearse():
        clients, visitors = (
            SocketClients(site.platform.host, site.port),
            Visitors(site, sessions[0]),
        )
        await clients.open_many(sessions[:PEOPLE], pages)
        if pages:
            await asyncio.to_thread(wait_until, lambda: pages_in(database) >= pages, "open pages")
        held_up = SECONDS.get(server, MOST_SECONDS)
        times = await stop_under_load(site, visitors, lock, lambda: postgres.held_up(name), held_up)
        return visitors.asked, *times, clients.codes

    with deployment.site() as site:
        asked, stopped_at, seconds, codes = asyncio.run(rehearse())
    lost = [answer for sent_at, answer in asked if is_lost(sent_at, answer, stopped_at, server)]
    report("stop s", round(seconds, 1))
    report("requests lost by a stop", len(lost))
    assert len([sent_at for sent_at, _ in asked if sent_at < stopped_at]) > WAITING
    assert lost == []
    assert codes == [restart_code(project.answers)] * pages
    assert not pages or pages_in(database) == 0
    assert seconds < site.platform.grace
    assert site.process.process.wait() in STOPPED, site.process.output()
    assert {event["level"] for event in site.process.events()} <= {"info", "warning"}


def test_an_idle_connection_is_kept_longer_than_the_router_keeps_it(idle_connection):
    """test_deploy_under_load.py has opened it."""
    assert idle_connection.result() == 200
