"""Under ASGI, streams, waiting views, aborted requests and health checks do not delay pages."""

import asyncio
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from rehearse.load import Answer, Outcome
from rehearse.peak import Peak
from rehearse.raw import Raw, get
from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.site import SESSION_COOKIE, Site, new_name
from tests.harness.sockets import open_socket
from tests.harness.streams import Streams
from tests.harness.views import add_rows
from tests.harness.waiting import SECONDS, wait_until

pytestmark = for_combinations([one for one in SERVERS if is_asgi(one)], apart="load")

# WEB_THREADS of a process. Beside them it may have five connections (ASYNC_CONNECTIONS, consumers of
# WebSockets, /readyz), and threads of its server, of /readyz and of DNS look-ups.
THREADS = 4
OTHER_CONNECTIONS, OTHER_THREADS = 5, 30
STREAMS, WAITING, VISITORS, PAGES = 50, 50, 8, 8
PAGE_SECONDS = 10
ABORTS = 1000
AFTER_ABORTS_SECONDS = 10
HEALTH_CHECKS = 600  # more than MAX_QUEUED_REQUESTS
OK = (Outcome.COMPLETE, 200)


@pytest.fixture
def person(extra_site, sessions):
    """Someone who is logged in to ``extra_site``."""
    with extra_site.visitor() as visitor:
        visitor.cookies.set(SESSION_COOKIE, sessions[0])
        yield visitor


async def timed(site: Site, session: str, pages: int) -> list[float]:
    """Request the home page this many times; return the seconds of each."""
    seconds = []
    for _ in range(pages):
        began = time.monotonic()
        answer = await site.ask("/", session)
        seconds.append(time.monotonic() - began)
        assert (answer.outcome, answer.status) == OK
    return seconds


async def open_and_wait(site: Site, session: str) -> tuple[list[float], list[Answer]]:
    """The seconds of pages while streams are open and views wait, and the answers of the views."""
    streams, name = Streams.of(site), new_name("load")
    await streams.open(STREAMS, SECONDS)
    path = f"/extra/wait/?name={name}"
    waiting = [asyncio.create_task(site.ask(path)) for _ in range(WAITING)]
    visits = await asyncio.gather(*(timed(site, session, PAGES) for _ in range(VISITORS)))
    assert not any(task.done() for task in waiting)
    assert streams.open_now() == STREAMS
    await site.ask(f"/extra/release/?name={name}")
    answers = await asyncio.gather(*waiting)
    await streams.close()
    return [seconds for each in visits for seconds in each], answers


def test_pages_come_while_streams_are_open_and_views_wait(extra_site, sessions, services, report):
    with Peak(extra_site, postgresql=services.postgres.port) as peak:
        seconds, answers = asyncio.run(open_and_wait(extra_site, sessions[0]))
    report(
        "median page beside 50 streams and 50 views ms", round(1000 * statistics.median(seconds))
    )
    report("slowest page beside 50 streams and 50 views ms", round(1000 * max(seconds)))
    assert {(answer.status, answer.body.decode()) for answer in answers} == {(200, "waited")}
    assert max(seconds) < PAGE_SECONDS
    assert peak.most["postgresql"] <= THREADS + OTHER_CONNECTIONS


def test_sockets_and_pages_do_not_wait_for_each_other(extra_site, person, hold_up, held_up):
    person.get("/")  # keeps the cookie as a browser does
    with ExitStack() as stack, hold_up("extra_row"):
        for _ in range(2 * THREADS):
            stack.enter_context(Raw(extra_site)).send("/extra/slow/?name=beside-sockets")
        wait_until(held_up, "views that wait")
        open_socket(extra_site, person).close()
        assert held_up() > 0
    with ThreadPoolExecutor() as threads:
        with hold_up("presence_connection"):
            opening = [threads.submit(open_socket, extra_site, person) for _ in range(2 * THREADS)]
            wait_until(held_up, "consumers that wait")
            assert [person.get("/").status_code for _ in range(5)] == [200] * 5
            assert held_up() > 0
        for socket in opening:
            socket.result().close()


async def abort_many(site: Site, session: str) -> float:
    """Abort many requests; returns the seconds that the next page takes."""
    path = "/extra/slow/?name=aborted&seconds=0.3"
    for _ in range(ABORTS // 100):
        await asyncio.gather(*(site.ask(path, seconds=0.2) for _ in range(100)))
    [seconds] = await timed(site, session, 1)
    return seconds


def test_a_thousand_aborted_requests_leave_no_queue(extra_site, sessions, report):
    seconds = asyncio.run(abort_many(extra_site, sessions[0]))
    report("page after 1,000 aborts s", round(seconds, 1))
    # Requests already running take 0.3 seconds more.
    assert seconds < AFTER_ABORTS_SECONDS + 0.3


def test_many_health_checks_at_once_take_no_threads(extra_site, report):
    async def check_health() -> list[Answer]:
        return await asyncio.gather(*(extra_site.ask("/healthz") for _ in range(HEALTH_CHECKS)))

    with Peak(extra_site) as peak:
        answers = asyncio.run(check_health())
    report("threads beside 600 health checks", peak.most["threads"])
    assert {(answer.outcome, answer.status) for answer in answers} == {OK}
    assert peak.most["threads"] <= THREADS + OTHER_THREADS


def test_nothing_fails_after_postgresql_was_restarted(extra_site, services, database):
    add_rows(database, "restarted", 300)
    names = ["slow", "slow-async", "rows-from-database", "rows-in-transaction", "threads"]
    paths = [f"/extra/{name}/?name=restarted" for name in names] * 3
    with ThreadPoolExecutor(12) as many:
        before = list(many.map(get, [extra_site] * len(paths), paths))
        services.postgres.restart()
        after = list(many.map(get, [extra_site] * len(paths), paths))
    assert {answer.status for answer in [*before, *after]} == {200}
