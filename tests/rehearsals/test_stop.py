"""A process that is told to stop loses nothing: no request that it has, and no one's socket."""

import asyncio
import signal
import time
from dataclasses import dataclass

import psycopg

from rehearsal.combinations import COMBINATIONS, for_combinations, is_asgi
from rehearsal.load import Answer, Client, Outcome
from rehearsal.site import Site, session_cookie
from rehearsal.sockets import Crowd

# Requests in flight, which the database holds up for so long after the signal.
WAITING = 6
SECONDS = 8
# Clients that ask again and again, on one connection or each time on a new one; and idle ones.
BUSY = 4
IDLE = 5
SOCKETS = 200
# Few, as all pages hear of each that comes.
PEOPLE = 10


# A server that stops may close a connection without a request for so long.
IDLE_SECONDS = 1


@dataclass
class Request:
    """``sent_at`` is in seconds after the signal; ``pause`` since the last answer on its connection."""

    sent_at: float
    answer: Answer
    pause: float


class Visitors:
    """Clients of every kind; ``requests`` are what they asked, and what became of it."""

    def __init__(self, site: Site, session: str):
        self.site, self.session = site, session
        self.requests: list[Request] = []
        self.over = asyncio.Event()

    def client(self) -> Client:
        headers = {"Host": self.site.platform.host, "X-Forwarded-Proto": "https"}
        return Client(self.site.port, headers | session_cookie(self.session))

    async def ask(self, client: Client, path: str, pause: float = 0) -> None:
        sent_at = time.monotonic()
        self.requests.append(Request(sent_at, await client.get(path), pause))

    async def ask_once(self, path: str) -> None:
        client = self.client()
        await self.ask(client, path)
        client.close()

    async def fall_idle(self) -> None:
        client = self.client()
        await self.ask(client, "/healthz")
        await self.over.wait()
        client.close()

    async def ask_on(self, stay: bool) -> None:
        client, pause = self.client(), 0.0
        while not self.over.is_set():
            await self.ask(client, "/healthz", pause)
            if not stay:
                client.close()
            answered_at = time.monotonic()
            await asyncio.sleep(0.05)
            pause = time.monotonic() - answered_at if stay else 0
        client.close()


async def stop_under_load(site: Site, visitors: Visitors, lock) -> float:
    """Stop the site while requests of every kind are under way; the seconds until it has ended."""
    start = asyncio.create_task
    others = [start(visitors.fall_idle()) for _ in range(IDLE)]
    others += [start(visitors.ask_on(stay)) for stay in [True, False] * BUSY]
    with lock:
        waiting = [start(visitors.ask_once("/")) for _ in range(WAITING)]
        await asyncio.sleep(1)
        site.process.signal(signal.SIGTERM)
        stopped_at = time.monotonic()
        for _ in range(SECONDS * 5):
            waiting.append(start(visitors.ask_once("/healthz")))
            await asyncio.sleep(0.2)
    await asyncio.gather(*waiting)
    while site.process.is_running() and time.monotonic() - stopped_at < site.process.grace:
        await asyncio.sleep(0.1)
    seconds = time.monotonic() - stopped_at
    visitors.over.set()
    await asyncio.gather(*others)
    for request in visitors.requests:
        request.sent_at -= stopped_at
    return seconds


def lost(requests: list[Request]) -> list[Request]:
    """Those that were neither answered in full nor, after the signal, refused at once."""

    def is_well(request: Request) -> bool:
        if request.answer.outcome is Outcome.REFUSED:
            return request.sent_at > 0
        # Only if this machine is so busy that a client pauses for longer than its 0.05 s.
        if request.answer.outcome is Outcome.CLOSED and request.pause > IDLE_SECONDS:
            return True
        return request.answer.outcome is Outcome.COMPLETE and request.answer.status == 200

    return [request for request in requests if not is_well(request)]


async def rehearse(site: Site, sessions: list[str], lock, pages: int):
    crowd, visitors = Crowd(site.platform.host, site.port), Visitors(site, sessions[0])
    await crowd.open_many(sessions[:PEOPLE], pages)
    await asyncio.sleep(1)
    seconds = await stop_under_load(site, visitors, lock)
    return visitors.requests, crowd.codes, seconds


def pages_in(database: str) -> int:
    """How many pages of the crowd that database has as open: consumers delete theirs at the end."""
    query = """
        SELECT count(*) FROM presence_connection JOIN users_user ON users_user.id = user_id
        WHERE username ~ '^person[0-9]'
    """
    with psycopg.connect(database) as connection:
        return connection.execute(query).fetchone()[0]


@for_combinations(COMBINATIONS)
def test_it_stops_without_loss(site, sessions, services, project, report):
    """The last test of a combination, so that it needs no site of its own."""
    pages = SOCKETS if is_asgi(project.answers) else 0
    lock = services.postgres.locked(project.database, "users_user")
    before = len(site.process.events())
    requests, codes, seconds = asyncio.run(rehearse(site, sessions, lock, pages))
    status = site.process.stop()
    report("stop s", round(seconds, 1))
    report("lost requests", len(lost(requests)))
    assert len([request for request in requests if request.sent_at < 0]) > WAITING
    assert lost(requests) == []
    assert codes == [1012] * pages
    if pages:
        assert pages_in(services.postgres.url(project.database)) == 0
    assert seconds < site.platform.grace
    assert status == 0, site.process.output()
    events = site.process.events()[before:]
    assert {event["level"] for event in events} <= {"info", "warning"}
