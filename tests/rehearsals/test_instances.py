"""Three web processes behind the router, and two workers, on one PostgreSQL and one Valkey."""

import asyncio
import re
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from psycopg import sql

from rehearsal.combinations import SERVERS, for_combinations, is_asgi
from rehearsal.router import BalancingRouter
from rehearsal.site import Site
from rehearsal.sockets import Crowd
from rehearsal.views import rows
from rehearsal.visitors import CLIENTS, Visitors, pages_open

INSTANCES = 3
PAGES = 12
LOAD_SECONDS = 2
# Connections of the plan above the smallest one.
PLANS = {"heroku": 40, "digitalocean": 47}
# With these they fit, twice while a deployment runs: the table in the project's docs/scaling.md.
SCALED = {
    "asgi-daphne": {},
    "asgi-gunicorn": {"WEB_CONCURRENCY": "1"},
    "wsgi-gunicorn": {"WEB_CONCURRENCY": "1", "WEB_THREADS": "3"},
    "wsgi-waitress": {"WEB_THREADS": "4"},
}
WORKERS = 2
PERIOD = 2  # seconds, as in rehearsal/extra/tasks.py

pytestmark = for_combinations(SERVERS)


@pytest.fixture
def plan(services, project):
    """PostgreSQL refuses more connections than the plan has."""
    limit = PLANS[project.answers["platform"]]
    change = sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}")
    role = sql.Identifier(project.database)
    with services.postgres.connect() as connection:
        connection.execute(change.format(role, sql.Literal(limit)))
        yield limit
        connection.execute(change.format(role, sql.Literal(-1)))


class Instances:
    """Web processes of one project, started side by side as a platform does, behind a router."""

    def __init__(self, deployment, changes: dict[str, str], stack: ExitStack):
        self.deployment, self.changes, self.stack = deployment, changes, stack
        self.sites: list[Site] = []
        self.most = Counter[str]()

    def start(self) -> list[Site]:
        new = [self.deployment.site(**self.changes) for _ in range(INSTANCES)]
        with ThreadPoolExecutor(INSTANCES) as threads:
            list(threads.map(self.stack.enter_context, new))
        self.sites += new
        return new

    def stop(self, site: Site) -> int:
        site.process.signal(signal.SIGTERM)
        return site.process.process.wait(site.process.grace)

    def look(self, services, database: str) -> None:
        found = {
            "PostgreSQL": services.postgres.connections(database),
            "Redis": services.valkey.connections(),
        }
        self.most |= Counter(found)


class Ticks:
    """How often the periodic task runs, from its first run by the workers that have just started."""

    def __init__(self, services, database: str, is_due: bool):
        self.database, self.is_due = database, is_due
        deadline, earlier = time.monotonic() + 30, rows(database, "tick")
        # Without tasks that waited for the workers, which would run at once.
        while is_due and (rows(database, "tick") == earlier or services.valkey.tasks()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.before, self.since = rows(database, "tick"), time.monotonic()

    def per_period(self) -> float:
        runs = rows(self.database, "tick") - self.before
        return runs * PERIOD / (time.monotonic() - self.since)


async def watch(instances: Instances, services, database: str) -> None:
    while True:
        await asyncio.to_thread(instances.look, services, database)
        await asyncio.sleep(0.25)


async def people_online(sites: list[Site], session: str) -> list[set[str]]:
    """The names that each process shows as online."""
    found = []
    for site in sites:
        client = site.client(session)
        page = (await client.get("/presence/")).body.decode()
        client.close()
        found.append(set(re.findall(r'class="online"><span class="name">(\w+)<', page)))
    return found


async def rehearse(instances, router, sessions, pages, services, database) -> dict:
    """Load; kill one process; deploy. Returns how many requests were lost in each part, and more."""
    lost, old = {}, list(instances.sites)
    watching = asyncio.create_task(watch(instances, services, database))
    visitors = Visitors(router, sessions[0], 0)
    crowd = Crowd(router.platform.host, router.port)
    open_pages = [asyncio.create_task(crowd.stay(session)) for session in sessions[:pages]]
    asking = [asyncio.create_task(visitors.ask_on(client)) for client in visitors.clients]

    def lost_so_far() -> int:
        return visitors.outcomes.total() - visitors.outcomes["well"]

    await asyncio.sleep(LOAD_SECONDS)
    await pages_open(crowd, pages)
    lost["load"] = lost_so_far()
    await asyncio.to_thread(old[0].process.kill)
    router.ports = [site.port for site in old[1:]]
    await asyncio.sleep(LOAD_SECONDS)
    lost["kill"] = lost_so_far() - lost["load"]
    before = lost_so_far()
    new = await asyncio.to_thread(instances.start)
    router.ports = [site.port for site in new]
    # Platforms wait longer; test_deploy.py does too.
    await asyncio.sleep(1)
    stops = [asyncio.to_thread(instances.stop, site) for site in old[1:]]
    statuses = await asyncio.gather(*stops)
    await asyncio.sleep(LOAD_SECONDS)
    back = await pages_open(crowd, pages)
    shown = await people_online(new, sessions[0]) if pages else []
    visitors.enough.set()
    await asyncio.gather(*asking)
    lost["deploy"] = lost_so_far() - before
    for page in open_pages:
        page.cancel()
    await crowd.leave()
    watching.cancel()
    return {
        "lost": lost,
        "well": visitors.outcomes["well"],
        "outcomes": visitors.outcomes,
        "statuses": statuses,
        "back": back,
        "shown": shown,
    }


def attempts_until_locked_out(sites: list[Site], name: str) -> int:
    """How many wrong passwords a person may try, each at another process."""
    for attempt in range(20):
        with sites[attempt % len(sites)].visitor() as visitor:
            response = visitor.submit("/accounts/login/", login=name, password="wrong")
            if response.status_code == 429:
                return attempt
    return 20


def test_three_instances_lose_nothing_and_agree(
    deployment, extra_views, sessions, services, project, plan, report
):
    """But the requests that a killed process was answering."""
    pages = PAGES if is_asgi(project.answers) else 0
    changes = SCALED[project.answers["server"]]
    with ExitStack() as stack:
        instances = Instances(deployment, changes, stack)
        sites = instances.start()
        if project.answers["use_celery"]:
            services.valkey.flush()  # what workers of other tests left undone
            for _ in range(WORKERS):
                stack.enter_context(deployment.worker(**extra_views))
        router = stack.enter_context(
            BalancingRouter(sites[0].platform, [site.port for site in sites])
        )
        url = services.postgres.url(project.database)
        ticks = Ticks(services, url, project.answers["use_celery"])
        found = asyncio.run(
            rehearse(instances, router, sessions, pages, services, project.database)
        )
        found["runs"] = ticks.per_period()
        new = instances.sites[-INSTANCES:]
        attempts = [
            attempts_until_locked_out(asked, name)
            for asked, name in ((new, "person49"), (new[:1], "person50"))
        ]
    report("lost by three instances", found["lost"]["load"] + found["lost"]["deploy"])
    report("lost with a killed instance", found["lost"]["kill"])
    report("PostgreSQL connections of three instances", instances.most["PostgreSQL"])
    report("Redis connections of three instances", instances.most["Redis"])
    assert (found["lost"]["load"], found["lost"]["deploy"]) == (0, 0), found["outcomes"]
    assert found["lost"]["kill"] <= CLIENTS
    assert found["well"] > 100
    assert found["statuses"] == [0] * (INSTANCES - 1)
    assert 0 < instances.most["PostgreSQL"] <= plan
    assert attempts[0] == attempts[1] < 20
    # Each process has said so at its start.
    assert f'"limit": {plan},' in instances.sites[0].process.output()
    if pages:
        people = {f"person{number}" for number in range(pages)}
        assert found["back"] == pages
        assert found["shown"] == [people] * INSTANCES
    if project.answers["use_celery"]:
        assert 0.6 < found["runs"] <= 1.1
        report("runs of a periodic task per period", round(found["runs"], 2))
