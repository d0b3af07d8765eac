"""A web process stays within the connections of the smallest plans, and a dyno's memory."""

import asyncio
import random
import time
from contextlib import ExitStack

from rehearse.load import Answer, Outcome
from rehearse.peak import Peak
from rehearse.raw import Raw, get
from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.site import Site, session_cookie
from tests.harness.sockets import SocketClients
from tests.harness.waiting import SECONDS, wait_until

pytestmark = for_combinations(SERVERS, apart="budgets")

CLIENTS, SOCKETS, PAGES = 200, 500, 4
# What Heroku's smallest plans and dynos give; App Platform's give no less.
POSTGRES_CONNECTIONS = 20
# Of one instance, as a deployment has two and a command needs some: docs/scaling.md of a project.
OF_INSTANCE = 9
REDIS_CONNECTIONS = 20
MEGABYTES = 512
# An ASGI process closes the connection of a thread that was idle for this long; and the bound.
IDLE_SECONDS, SHRINK_SECONDS = 20, 60
# While the old and the new processes of a deployment both answer.
DEPLOY_CLIENTS, DEPLOY_SOCKETS = 50, 20
ABORTS, ABORTS_AT_ONCE = 1000, 25
# Requests that have a database connection at once, of all processes: one for each thread, or under
# Gunicorn what they share.
AT_THE_DATABASE = {"asgi-daphne": 4, "asgi-uvicorn": 4, "wsgi-gunicorn": 8, "wsgi-waitress": 8}


async def ask(site: Site, session: str, path: str = "/") -> list[Answer]:
    client = site.client(session, seconds=SECONDS)
    answers = [await client.get(path) for _ in range(PAGES)]
    client.close()
    return answers


async def load(
    sites: list[Site], sessions: list[str], clients: int, sockets: int, probes: int = 0
) -> None:
    """Ask each site with so many clients at once, for pages and readiness, while so many sockets
    are open.
    """
    all_sockets = [SocketClients(site.platform.host, site.port) for site in sites]
    for of_site in all_sockets:
        await of_site.open_many(sessions, sockets)
    asking = [ask(site, sessions[0]) for site in sites for _ in range(clients)]
    probing = [ask(site, sessions[0], "/readyz") for site in sites for _ in range(probes)]
    found, _ = await asyncio.gather(asyncio.gather(*asking), asyncio.gather(*probing))
    answers = [answer for each in found for answer in each]
    assert {(answer.outcome, answer.status) for answer in answers} == {(Outcome.COMPLETE, 200)}
    assert [len(of_site.sockets) for of_site in all_sockets] == [sockets] * len(sites)
    for of_site in all_sockets:
        await of_site.leave()


def test_it_stays_within_the_smallest_plans_and_gives_back_what_it_took(
    site, sessions, services, project, report
):
    ports = {"heroku": services.self_signed_port, "digitalocean": services.issued_port}
    redis = ports[project.answers["platform"]]
    sockets = SOCKETS if is_asgi(project.answers) else 0
    with Peak(site, postgresql=services.postgres.port, redis=redis) as peak:
        asyncio.run(load([site], sessions, CLIENTS, sockets))
    most = peak.most
    report("most PostgreSQL connections", most["postgresql"])
    report("most Redis connections", most["redis"])
    report("most memory MB", round(most["memory"]))
    assert 0 < most["postgresql"] <= OF_INSTANCE
    assert most["redis"] <= REDIS_CONNECTIONS
    assert most["redis"] if sockets else peak.more("redis") == 0
    assert most["memory"] < MEGABYTES
    if is_asgi(project.answers):
        time.sleep(IDLE_SECONDS)
        before, look = most["postgresql"], peak.look
        wait_until(lambda: look()["postgresql"] < before, "fewer connections", SHRINK_SECONDS)


def test_a_deploy_stays_within_the_connections_of_the_smallest_plan(
    site, deployment, sessions, services, project, report
):
    sockets = DEPLOY_SOCKETS if is_asgi(project.answers) else 0
    with deployment.site() as new, ExitStack() as stack:
        port = services.postgres.port
        peaks = [stack.enter_context(Peak(one, postgresql=port)) for one in (site, new)]
        # A probe has a connection of its own.
        asyncio.run(load([site, new], sessions, DEPLOY_CLIENTS, sockets, probes=1))
    # The peaks may be at different moments: their sum is an upper bound.
    most = sum(peak.most["postgresql"] for peak in peaks)
    report("PostgreSQL connections in a deploy", most)
    assert 2 < most <= POSTGRES_CONNECTIONS


def test_as_many_requests_are_at_the_database_as_there_are_threads(
    site, sessions, project, hold_up, held_up
):
    expected = AT_THE_DATABASE[project.answers["server"]]
    clients: list[Raw] = []

    def ask_once_more() -> bool:
        clients.append(Raw(site))
        clients[-1].send("/", **session_cookie(sessions[0]))
        return held_up() == expected

    with hold_up("users_user"):
        # Which of Gunicorn's processes takes a connection is chance.
        wait_until(ask_once_more, "busy threads of all processes")
        for _ in range(expected):
            ask_once_more()
        time.sleep(1)  # more would be there by now
        assert held_up() == expected
    assert {client.read().status for client in clients} == {200}
    for client in clients:
        client.close()


async def abort_often(site: Site, session: str) -> None:
    """Ask for a page that takes database queries, and disconnect within a tenth of a second."""
    moments = random.Random(4)
    for _ in range(ABORTS // ABORTS_AT_ONCE):
        waits = [moments.uniform(0, 0.1) for _ in range(ABORTS_AT_ONCE)]
        await asyncio.gather(*(site.ask("/", session, seconds) for seconds in waits))


def test_aborted_requests_leak_no_connections(site, sessions, services):
    asyncio.run(abort_often(site, sessions[0]))
    # Waitress runs every request that it has read.
    wait_until(lambda: get(site, "/").status == 200, "a page after the aborted requests")
    with site.visitor() as visitor:
        visitor.headers.update(session_cookie(sessions[0]))
        pages = [visitor.get("/") for _ in range(20)]
    assert [page.status_code for page in pages] == [200] * 20
    assert all("person0" in page.text for page in pages)
    wait_until(lambda: get(site, "/readyz").status == 200, "200 from /readyz")
    assert site.process.connections_to(services.postgres.port) <= OF_INSTANCE
