"""Three web processes behind the router, on one PostgreSQL and one Valkey."""

import asyncio
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from psycopg import sql

from rehearse.router import BalancingRouter
from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.site import STOPPED, Site
from tests.harness.sockets import SocketClients
from tests.harness.visitors import CLIENTS, Visitors, pages_open, visit_during
from tests.harness.waiting import SECONDS, wait_until

INSTANCES, PAGES = 3, 12
# Without pauses the visitors would take the processor while new processes start.
REQUESTS, PAUSE = 200, 0.1
# Connections of the plan above the smallest one.
PLANS = {"heroku": 40, "digitalocean": 47}
# With these, old and new processes fit during a deployment: the table in docs/scaling.md.
SCALED: dict[str, dict[str, str]] = {
    "asgi-daphne": {},
    "asgi-uvicorn": {},
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


class Instances:
    """Web processes of one project, started side by side as a platform does, behind a router."""

    def __init__(self, deployment, changes: dict[str, str], stack: ExitStack):
        self.deployment, self.changes, self.stack = deployment, changes, stack
        self.sites = self.start()
        self.router = stack.enter_context(BalancingRouter(deployment.platform, self.ports()))

    def ports(self) -> list[int]:
        return [site.port for site in self.sites]

    def start(self) -> list[Site]:
        new = [self.deployment.site(**self.changes) for _ in range(INSTANCES)]
        with ThreadPoolExecutor(INSTANCES) as threads:
            return [*threads.map(self.stack.enter_context, new)]

    async def kill_one(self) -> None:
        await asyncio.to_thread(self.sites.pop().process.kill)
        self.router.ports = self.ports()

    async def replace(self) -> list[int]:
        """Deploy; returns the exit statuses of the old processes."""
        old, self.sites = self.sites, await asyncio.to_thread(self.start)
        self.router.ports = self.ports()
        for site in old:
            site.process.signal(signal.SIGTERM)
        return [await asyncio.to_thread(site.process.process.wait, SECONDS) for site in old]


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


async def wait_for_requests(visitors: Visitors, requests: int) -> dict[str, int]:
    """Wait until so many more requests have ended; return the losses so far."""
    enough = visitors.outcomes.total() + requests
    await asyncio.to_thread(wait_until, lambda: visitors.outcomes.total() >= enough, "requests")
    return visitors.lost()


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
    people = {f"person{number}" for number in range(pages)}
    lost_by_kill: dict[str, int] = {}
    with ExitStack() as stack:
        instances = Instances(deployment, SCALED[project.answers["server"]], stack)
        output = instances.sites[0].process.output
        wait_until(lambda: f'"limit": {limit},' in output(), "the log line with the limit")
        visitors = Visitors(instances.router, sessions[0], REQUESTS, PAUSE)
        clients = SocketClients(deployment.platform.host, instances.router.port)

        async def kill_one_and_deploy() -> list[int]:
            assert visitors.lost() == {}
            await instances.kill_one()
            lost_by_kill.update(await wait_for_requests(visitors, 5 * CLIENTS))
            statuses = await instances.replace()
            await pages_open(clients, pages)
            await all_show(instances.sites if pages else [], sessions[0], people)
            return statuses

        found = asyncio.run(visit_during(kill_one_and_deploy, visitors, clients, sessions[:pages]))
        report(
            "PostgreSQL connections of three instances",
            services.postgres.connections(project.database),
        )
        report("Redis connections of three instances", services.valkey.connections())
        alone = attempts_until_locked_out(instances.sites[:1], "person49")
        assert attempts_until_locked_out(instances.sites, "person50") == alone < 20
    report("requests lost with a killed instance", sum(lost_by_kill.values()))
    assert sum(lost_by_kill.values()) <= CLIENTS
    assert (found["lost"], found["pages"]) == (lost_by_kill, pages)
    assert {*found["status"]} <= {*STOPPED}
