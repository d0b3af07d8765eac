"""Under ASGI pages have their share beside streams, async views, sockets and aborted requests."""

import asyncio
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from rehearse.load import Outcome
from rehearse.peak import Peak
from rehearse.raw import Raw
from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.site import SESSION_COOKIE, Site, new_name, session_cookie
from tests.harness.sockets import open_socket
from tests.harness.streams import Streams
from tests.harness.views import get
from tests.harness.waiting import SECONDS, wait_until

pytestmark = for_combinations([*filter(is_asgi, SERVERS)], apart="async views")

THREADS = 4  # WEB_THREADS
# Beside them ASYNC_CONNECTIONS, one of /readyz and one of all WebSockets: half of the smallest plan.
CONNECTIONS = 9
STREAMS, VIEWS, ABORTS = 500, 200, 1000
# Seconds for which an async view waits for a connection.
POOL_TIMEOUT = 5
AFTER_ABORTS_SECONDS = 10


async def ask_pages(site: Site, session: str, count: int) -> list[float]:
    """Ask for the home page, one after the other; return the seconds of each, all with status 200."""
    seconds = []
    for _ in range(count):
        began = time.monotonic()
        answer = await site.ask("/", session)
        seconds.append(time.monotonic() - began)
        assert (answer.outcome, answer.status) == (Outcome.COMPLETE, 200)
    return seconds


class UserStreams(Streams):
    path = "/extra/user-events/"


async def crowd(site: Site, session: str):
    """Pages beside streams and views that have asked the database; then one view more."""
    streams, name = UserStreams.of(site), new_name("crowd")
    streams.headers |= session_cookie(session)
    await streams.open(STREAMS, SECONDS)
    path = f"/extra/user-wait/?name={name}"
    views = [asyncio.create_task(site.ask(path, session)) for _ in range(VIEWS)]
    await asyncio.sleep(2)
    began = time.monotonic()
    last, pages = await asyncio.gather(site.ask(path, session), ask_pages(site, session, 50))
    waited = time.monotonic() - began
    await site.ask(f"/extra/release/?name={name}")
    answers = await asyncio.gather(*views)
    opened = streams.open_now()
    await streams.close()
    return pages, last, waited, answers, opened


def test_pages_have_their_share_beside_async_views_that_hold_connections(
    extra_site, sessions, services, report
):
    with Peak(extra_site, postgresql=services.postgres.port) as peak:
        pages, last, waited, answers, opened = asyncio.run(crowd(extra_site, sessions[0]))
    report("median page beside 500 streams, 200 views ms", round(1000 * statistics.median(pages)))
    report("connections beside 500 streams, 200 views", peak.most["postgresql"])
    assert opened == STREAMS
    assert peak.most["postgresql"] <= CONNECTIONS
    assert last.status == 503
    assert waited > POOL_TIMEOUT - 1
    # Those with a connection are answered, the others have waited for one.
    assert {answer.status for answer in answers} == {200, 503}
    assert "Traceback" not in extra_site.process.output()


def test_sockets_and_pages_do_not_wait_for_each_other(extra_site, sessions, hold_up, held_up):
    with ExitStack() as stack, extra_site.visitor() as person:
        person.cookies.set(SESSION_COOKIE, sessions[0])
        person.get("/")  # keeps the cookie as a browser does
        with hold_up("extra_row"):
            for _ in range(2 * THREADS):
                view = stack.enter_context(Raw(extra_site))
                view.send("/extra/slow/?name=beside-sockets")
            wait_until(held_up, "views that wait")
            open_socket(extra_site, person).close()
        threads = stack.enter_context(ThreadPoolExecutor())
        with hold_up("paas_presence_openwebsocket"):
            opening = [threads.submit(open_socket, extra_site, person) for _ in range(2 * THREADS)]
            wait_until(held_up, "consumers that wait")
            assert [person.get("/").status_code for _ in range(5)] == [200] * 5
        for socket in opening:
            socket.result().close()


async def abort_many(site: Site, session: str) -> float:
    """Abort many requests; returns the seconds that the next page takes."""
    path = "/extra/slow/?name=aborted&seconds=0.3"
    for _ in range(ABORTS // 100):
        await asyncio.gather(*(site.ask(path, seconds=0.2) for _ in range(100)))
    [seconds] = await ask_pages(site, session, 1)
    return seconds


def test_aborted_requests_leave_no_queue_and_leak_no_connection(
    extra_site, sessions, services, report
):
    seconds = asyncio.run(abort_many(extra_site, sessions[0]))
    report("page after 1,000 aborts s", round(seconds, 1))
    assert seconds < AFTER_ABORTS_SECONDS
    assert extra_site.process.connections_to(services.postgres.port) <= CONNECTIONS


def test_killed_connections_cost_no_page_and_no_async_view(extra_site, services, project):
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    paths = ["/", "/extra/slow-async/?name=killed"]
    for path in paths:
        assert {get(extra_site, path).status for _ in range(4)} == {200}
    with services.postgres.connect() as connection:
        connection.execute(end, [project.database])
    for path in paths:
        assert [get(extra_site, path).status for _ in range(50)] == [200] * 50
    count = services.postgres.connections
    wait_until(lambda: count(project.database) == 0, "the end of idle connections")
