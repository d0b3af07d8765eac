"""Async views and streams on PostgreSQL: what they hold, and what is left for pages."""

import asyncio
import statistics
import time

import pytest

from rehearse.load import Outcome
from rehearse.peak import Peak
from rehearse.raw import get
from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.site import Site, new_name
from tests.harness.streams import Streams
from tests.harness.views import add_rows, rows
from tests.harness.waiting import wait_until

pytestmark = for_combinations([one for one in SERVERS if is_asgi(one)], apart="async views")

# WEB_THREADS, ASYNC_CONNECTIONS, one of /readyz, one of all WebSockets: half of the smallest plan's
# 20, as a deployment has two instances.
CONNECTIONS = 9
STREAMS, VIEWS, PAGES = 500, 200, 200
# Seconds for which an async view waits for a connection.
POOL_TIMEOUT = 5


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
    streams.headers["Cookie"] = f"__Host-sessionid={session}"
    await streams.open(STREAMS, 60)
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


def test_killed_connections_cost_no_page_and_no_async_view(extra_site, sessions, services, project):
    ask = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    paths = ["/", "/extra/slow-async/?name=killed"]
    for path in paths:
        assert {get(extra_site, path).status for _ in range(4)} == {200}
    with services.postgres.connect() as connection:
        connection.execute(ask, [project.database])
    for path in paths:
        assert [get(extra_site, path).status for _ in range(50)] == [200] * 50


async def orders_and_exports(site: Site, session: str, name: str):
    exports = [site.ask(f"/extra/rows-async/?name={name}") for _ in range(2)]
    exports += [site.ask(f"/extra/rows-from-database/?name={name}") for _ in range(2)]
    orders = [site.ask(f"/extra/order/?name={name}-order") for _ in range(6)]
    *answers, _ = await asyncio.gather(*exports, *orders, ask_pages(site, session, PAGES))
    return answers[:4], answers[4:]


def test_transactions_and_cursors_outlast_other_requests(extra_site, sessions, database):
    name = new_name("rows")
    add_rows(database, name, 100)
    exports, orders = asyncio.run(orders_and_exports(extra_site, sessions[0], name))
    whole = b"".join(b"%d\n" % number for number in range(100))
    assert [answer.body for answer in exports] == [whole] * 4
    assert {answer.status for answer in orders} == {200}
    assert rows(database, f"{name}-order") == 6


@pytest.fixture
def connections(services, project):
    """A function that returns how many connections the database has."""

    def count() -> int:
        with services.postgres.connect() as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid != pg_backend_pid()"
            return connection.execute(query, [project.database]).fetchone()[0]

    return count


def test_idle_threads_and_the_pool_give_their_connections_back(extra_site, connections, sessions):
    asyncio.run(orders_and_exports(extra_site, sessions[0], "none"))
    wait_until(lambda: connections() == 0, "the end of every connection")
