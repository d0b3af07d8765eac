"""Under ASGI, streams, waiting views, aborted requests and health checks do not delay pages."""

import asyncio
import signal
import socket
import statistics
import time
from contextlib import ExitStack
from functools import partial

import pytest
from test_deploy import Visitors, take_over

from rehearsal.combinations import SERVERS, for_combinations, is_asgi
from rehearsal.load import Answer, Outcome
from rehearsal.peak import Peak
from rehearsal.router import Router
from rehearsal.site import Site, session_cookie
from rehearsal.sockets import Crowd
from rehearsal.streams import Streams

pytestmark = for_combinations([answers for answers in SERVERS if is_asgi(answers)])

THREADS = 4
# A process may have two more, for WebSockets' consumers and for /readyz.
OTHER_CONNECTIONS = 2
STREAMS = 50
WAITING = 50
WAIT_SECONDS = 8
VISITORS = 8
PAGE_SECONDS = 2
SLOW_SECONDS = 4
ABORTS = 1000
AFTER_ABORTS_SECONDS = 3
HEALTH_CHECKS = 1500
# What a process has besides those of WEB_THREADS: of its server, of /readyz, of name look-ups.
OTHER_THREADS = 30
DEPLOY_REQUESTS = 200
# A server that stops accepts for one more second, and waits one for the last requests.
STREAMS_END_SECONDS = 5


@pytest.fixture(scope="module")
def one_process(deployment, extra_views):
    changes = {"WEB_CONCURRENCY": "1", "WEB_THREADS": str(THREADS)}
    with deployment.site(**extra_views, **changes) as site:
        yield site


def streams_of(site: Site) -> Streams:
    return Streams(site.port, {"Host": site.platform.host, "X-Forwarded-Proto": "https"})


async def get(site: Site, path: str, session: str | None = None) -> Answer:
    client = site.client(session)
    answer = await client.get(path)
    client.close()
    return answer


async def timed(site: Site, session: str, pages: int) -> list[float]:
    """The seconds that each of so many home pages took; AssertionError if one is not well."""
    seconds = []
    for _ in range(pages):
        began = time.monotonic()
        answer = await get(site, "/", session)
        seconds.append(time.monotonic() - began)
        assert (answer.outcome, answer.status) == (Outcome.COMPLETE, 200), seconds
    return seconds


async def hang_up(site: Site, path: str, seconds: float) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    head = f"GET {path} HTTP/1.1\r\nHost: {site.platform.host}\r\nX-Forwarded-Proto: https\r\n\r\n"
    writer.write(head.encode())
    await asyncio.sleep(seconds)
    writer.transport.abort()


async def open_and_wait(site: Site, session: str, peak: Peak) -> tuple[list[float], list[Answer]]:
    """The seconds of pages while streams are open and views wait, and the answers of the views."""
    watching = asyncio.create_task(peak.watch())
    streams = streams_of(site)
    await streams.open(STREAMS)
    path = f"/extra/wait/?seconds={WAIT_SECONDS}"
    waiting = [asyncio.create_task(get(site, path)) for _ in range(WAITING)]
    await asyncio.sleep(1)
    visits = [timed(site, session, 8) for _ in range(VISITORS)]
    seconds = [found for each in await asyncio.gather(*visits) for found in each]
    assert not any(task.done() for task in waiting)
    assert streams.open_now() == STREAMS
    answers = await asyncio.gather(*waiting)
    await streams.close()
    watching.cancel()
    return seconds, answers


def test_pages_come_while_streams_are_open_and_views_wait(one_process, sessions, services, report):
    peak = Peak(one_process, {"PostgreSQL": services.postgres.port})
    seconds, answers = asyncio.run(open_and_wait(one_process, sessions[0], peak))
    report("page beside 50 streams and 50 views ms", round(1000 * statistics.median(seconds)))
    report("the slowest ms", round(1000 * max(seconds)))
    report("their PostgreSQL connections", peak.connections["PostgreSQL"])
    assert {(answer.status, answer.body.decode()) for answer in answers} == {(200, "waited")}
    assert max(seconds) < PAGE_SECONDS
    assert peak.connections["PostgreSQL"] <= THREADS + OTHER_CONNECTIONS


async def open_beside_views(site: Site, session: str) -> float:
    """The seconds that a socket takes to open while views take all threads."""
    path = f"/extra/slow/?name=beside-sockets&seconds={SLOW_SECONDS}"
    slow = [asyncio.create_task(get(site, path)) for _ in range(2 * THREADS)]
    await asyncio.sleep(0.3)
    began = time.monotonic()
    crowd = Crowd(site.platform.host, site.port)
    await crowd.open(session)
    seconds = time.monotonic() - began
    assert not any(task.done() for task in slow)
    await crowd.leave()
    await asyncio.gather(*slow)
    return seconds


async def ask_beside_sockets(site: Site, session: str, lock, held_up) -> list[float]:
    """The seconds of pages while a lock in the database delays what consumers ask of it."""
    crowd = Crowd(site.platform.host, site.port)
    with lock:
        opening = [asyncio.create_task(crowd.open(session)) for _ in range(2 * THREADS)]
        await asyncio.sleep(0.5)
        seconds = await timed(site, session, 5)
        assert held_up() > 0
    await asyncio.gather(*opening)
    await crowd.leave()
    return seconds


def test_sockets_and_pages_do_not_wait_for_each_other(
    one_process, sessions, services, project, report
):
    opened = asyncio.run(open_beside_views(one_process, sessions[0]))
    lock = services.postgres.locked(project.database, "presence_connection")
    held_up = partial(services.postgres.held_up, project.database)
    seconds = asyncio.run(ask_beside_sockets(one_process, sessions[0], lock, held_up))
    report("socket beside busy threads ms", round(1000 * opened))
    report("page beside waiting sockets ms", round(1000 * max(seconds)))
    assert opened < PAGE_SECONDS
    assert max(seconds) < PAGE_SECONDS


async def abort_many(site: Site, session: str) -> float:
    """Abort many requests; returns the seconds that the next page takes."""
    path = "/extra/slow/?name=aborted&seconds=0.3"
    for _ in range(ABORTS // 100):
        await asyncio.gather(*(hang_up(site, path, 0.2) for _ in range(100)))
    [seconds] = await timed(site, session, 1)
    return seconds


def test_a_thousand_aborted_requests_leave_no_queue(one_process, sessions, report):
    seconds = asyncio.run(abort_many(one_process, sessions[0]))
    report("page after 1,000 aborts s", round(seconds, 1))
    # Those that had started take 0.3 seconds more.
    assert seconds < AFTER_ABORTS_SECONDS + 0.3


async def check_health(site: Site) -> tuple[list[Answer], int]:
    """The answers to many checks at once, and how many threads a process had at the most."""
    most, over = 0, asyncio.Event()

    async def watch() -> None:
        nonlocal most
        while not over.is_set():
            most = max(most, *(one.num_threads() for one in site.process.everyone()))
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    answers = await asyncio.gather(*(get(site, "/healthz") for _ in range(HEALTH_CHECKS)))
    over.set()
    await watching
    return answers, most


def test_many_health_checks_at_once_take_no_threads(one_process, report):
    answers, threads = asyncio.run(check_health(one_process))
    report("threads beside 1,500 health checks", threads)
    assert {(answer.outcome, answer.status) for answer in answers} == {(Outcome.COMPLETE, 200)}
    assert threads <= THREADS + OTHER_THREADS


@pytest.fixture
def ended_site(deployment, extra_views):
    with deployment.site(**extra_views) as site:
        yield site


async def stop(site: Site) -> tuple[list[Answer], list[Answer], float]:
    """Stop a site that streams events, downloads and runs views: the answers of streams and of the
    others, and how many seconds after SIGTERM the streams had ended.
    """
    streams = streams_of(site)
    await streams.open(10)
    paths = ["download/?seconds=6", "download-async/?seconds=6", "slow/?name=stop&seconds=4"]
    paths += ["slow-async/?name=stop&seconds=4", "wait/?seconds=4"]
    others = [asyncio.create_task(get(site, f"/extra/{path}")) for path in paths]
    await asyncio.sleep(0.5)
    site.process.signal(signal.SIGTERM)
    began = time.monotonic()
    await asyncio.gather(*streams.tasks)
    seconds = time.monotonic() - began
    return streams.answers, await asyncio.gather(*others), seconds


def test_event_streams_end_at_sigterm_and_all_else_finishes(ended_site, report):
    streams, answers, seconds = asyncio.run(stop(ended_site))
    status = ended_site.process.process.wait(ended_site.platform.grace)
    report("streams ended after SIGTERM s", round(seconds, 1))
    assert [answer.outcome for answer in streams] == [Outcome.COMPLETE] * 10
    assert [(answer.outcome, answer.status) for answer in answers] == [(Outcome.COMPLETE, 200)] * 5
    assert [len(answer.body) for answer in answers[:2]] == [24 * 65536] * 2
    assert seconds < STREAMS_END_SECONDS
    assert status == 0, ended_site.process.output()
    assert {event["level"] for event in ended_site.process.events()} <= {"info", "warning"}


def leave_amid(site: Site, path: str) -> None:
    """Request a page, and disconnect without having read more than its beginning."""
    head = f"GET {path} HTTP/1.1\r\nHost: {site.platform.host}\r\nX-Forwarded-Proto: https\r\n\r\n"
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", site.port))
        client.sendall(head.encode())
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        time.sleep(0.5)


def test_clients_that_left_amid_a_page_do_not_delay_a_shutdown(ended_site, report):
    for _ in range(THREADS):
        leave_amid(ended_site, "/extra/big/")
    ended_site.process.signal(signal.SIGTERM)
    began = time.monotonic()
    status = ended_site.process.process.wait(ended_site.platform.grace)
    seconds = time.monotonic() - began
    report("shutdown after clients left s", round(seconds, 1))
    assert seconds < 2 * STREAMS_END_SECONDS
    assert status == 0, ended_site.process.output()


async def deploy(old: Site, start_new, router: Router, session: str):
    """A deploy while streams are open: the old process' exit status, the outcomes of requests, the
    streams, and how many of them are open in the end.
    """
    visitors = Visitors(router, session, DEPLOY_REQUESTS)
    streams = Streams(router.port, {"Host": router.platform.host, **session_cookie(session)})
    streams.tasks = [asyncio.create_task(streams.stay()) for _ in range(STREAMS)]
    asking = [asyncio.create_task(visitors.ask_on(client)) for client in visitors.clients]
    status = await take_over(old, start_new, router)
    async with asyncio.timeout(20):
        while streams.open_now() < STREAMS:
            await asyncio.sleep(0.1)
    visitors.enough.set()
    await asyncio.gather(*asking)
    ended = [answer for answer in streams.answers if answer.outcome is not Outcome.CUT_OFF]
    back = streams.open_now()
    await streams.close()
    return status, visitors.outcomes, ended, back


def test_a_deploy_ends_each_stream_cleanly_and_loses_nothing(deployment, extra_views, sessions):
    with ExitStack() as stack:
        old = stack.enter_context(deployment.site(**extra_views))
        router = stack.enter_context(Router(old.platform, old.port))

        def start_new() -> Site:
            return stack.enter_context(deployment.site(**extra_views))

        status, outcomes, ended, back = asyncio.run(deploy(old, start_new, router, sessions[0]))
    assert outcomes["well"] == outcomes.total() >= DEPLOY_REQUESTS, (outcomes, router.errors)
    assert [(answer.outcome, answer.status) for answer in ended] == [
        (Outcome.COMPLETE, 200)
    ] * STREAMS
    assert back == STREAMS
    assert status == 0, old.process.output()
