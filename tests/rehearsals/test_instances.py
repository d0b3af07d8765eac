"""Three web processes behind the router, on one PostgreSQL and one Valkey."""

import asyncio
import random
import re
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import pytest
from psycopg import sql

from rehearse.load import Client
from rehearse.processes import wait_for
from rehearse.router import Peer
from rehearse.visits import Visits
from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.router import Router
from tests.harness.site import STOPPED, Site, session_cookie
from tests.harness.sockets import SocketClients
from tests.harness.waiting import SECONDS, wait_until

INSTANCES, PAGES = 3, 12
# Without pauses the visitors would take the processor while new processes start.
CLIENTS, PAUSE = 8, 0.1
# A page of the database, one without, and a health check.
PATHS = ["/", "/accounts/login/", "/healthz"]
# Connections of the plan above the smallest one.
PLANS = {"heroku": 40, "digitalocean": 47}
# With these, old and new processes fit during a deployment: the table in docs/scaling.md.
SCALED: dict[str, dict[str, str]] = {
    "wsgi-gunicorn": {"WEB_CONCURRENCY": "1"},
    "wsgi-waitress": {"WEB_THREADS": "4"},
}

pytestmark = for_combinations(SERVERS, apart="faults")


@pytest.fixture
def limit(services, project, database):
    """Limit PostgreSQL's connections to the plan's, and those that other tests' sites have open."""
    limit = PLANS[project.answers["platform"]] + services.postgres.connections(project.database)
    change, role = sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}"), urlsplit(database).username
    with services.postgres.connect() as connection:
        connection.execute(change.format(sql.Identifier(role), limit))
        yield limit
        connection.execute(change.format(sql.Identifier(role), -1))


class Instances(Router):
    """A router before web processes of one project, which start side by side as on a platform."""

    def __init__(self, deployment, changes: dict[str, str], stack: ExitStack):
        self.deployment, self.changes, self.stack = deployment, changes, stack
        self.sites = self.start_sites()
        super().__init__(deployment.platform, self.sites[0].port)

    async def _connect(self) -> Peer:
        """To the first process that accepts: the platforms' routers try several."""
        for site in random.sample(self.sites, len(self.sites)):
            with suppress(ConnectionRefusedError):
                return await self._connect_to(site.port)
        raise ConnectionRefusedError("no process accepts connections")

    def start_sites(self) -> list[Site]:
        new = [self.deployment.site(**self.changes) for _ in range(INSTANCES)]
        with ThreadPoolExecutor(INSTANCES) as threads:
            return [*threads.map(self.stack.enter_context, new)]

    async def replace_sites(self) -> set[int]:
        """Deploy; returns the exit statuses of the old processes."""
        old, self.sites = self.sites, await asyncio.to_thread(self.start_sites)
        for site in old:
            site.process.signal(signal.SIGTERM)
        return {await asyncio.to_thread(site.process.process.wait, SECONDS) for site in old}


async def all_show(sites: list[Site], session: str, people: set[str]) -> None:
    """Wait until the page of each process shows these people as online, and no one else."""
    for site in sites:
        client, found = site.client(session), set[str]()
        async with asyncio.timeout(SECONDS):
            while found != people:
                page = (await client.get("/presence/")).body.decode()
                found = {*re.findall(r'class="online"><span class="name">(\w+)<', page)}
                await asyncio.sleep(0.1)
        client.close()


async def kill_one_and_deploy(
    instances: Instances, sessions: list[str], pages: int
) -> tuple[Counter[str], Counter[str], set[int]]:
    """While visitors come; returns what was lost after the kill, and in all, and exit statuses."""
    host, port = instances.platform.host, instances.port
    visits, sockets = Visits(PATHS, time.monotonic()), SocketClients(host, port)
    headers = {"Host": host, **session_cookie(sessions[0])}
    clients = [Client(port, headers) for _ in range(CLIENTS)]
    staying = [asyncio.create_task(sockets.stay(session)) for session in sessions[:pages]]
    async with visits.coming(clients, PAUSE):
        assert await asyncio.to_thread(wait_for, lambda: len(sockets.sockets) == pages, SECONDS)
        assert not visits.lost
        await asyncio.to_thread(instances.sites.pop().process.kill)
        before = len(visits.samples)
        assert await asyncio.to_thread(
            wait_for, lambda: len(visits.samples) > before + 5 * CLIENTS, SECONDS
        )
        by_kill = visits.lost.copy()
        statuses = await instances.replace_sites()
        assert await asyncio.to_thread(wait_for, lambda: len(sockets.sockets) == pages, SECONDS)
        people = {f"person{number}" for number in range(pages)}
        await all_show(instances.sites if pages else [], sessions[0], people)
    for page in staying:
        page.cancel()
    await sockets.leave()
    return by_kill, visits.lost, statuses


def attempts_until_locked_out(sites: list[Site], name: str) -> int:
    """How many wrong passwords a person may try, each at another process."""
    for attempt in range(20):
        with sites[attempt % len(sites)].visitor() as visitor:
            if visitor.log_in(name, "wrong").status_code == 429:
                return attempt
    return 20


def test_three_instances_lose_nothing_and_agree(
    deployment, sessions, services, project, limit, report
):
    """Except the requests that a killed process was answering."""
    pages = PAGES if is_asgi(project.answers) else 0
    with ExitStack() as stack:
        instances = Instances(deployment, SCALED.get(project.answers["server"], {}), stack)
        output = instances.sites[0].process.output
        wait_until(lambda: f'"limit": {limit},' in output(), "the log line with the limit")
        stack.enter_context(instances)
        by_kill, lost, statuses = asyncio.run(kill_one_and_deploy(instances, sessions, pages))
        redis = services.valkey.connections()
        report("Redis connections of three instances", redis)
        alone = attempts_until_locked_out(instances.sites[:1], "person49")
        assert attempts_until_locked_out(instances.sites, "person50") == alone < 20
    report("requests lost with a killed instance", by_kill.total())
    assert by_kill.total() <= CLIENTS
    assert lost == by_kill
    assert statuses <= {*STOPPED}
