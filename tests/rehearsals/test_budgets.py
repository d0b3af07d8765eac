"""What a web process takes at the most: connections of the smallest plans, and a dyno's memory."""

import asyncio
import time

from rehearsal.combinations import SERVERS, for_combinations, is_asgi
from rehearsal.load import Client, Outcome
from rehearsal.peak import Peak
from rehearsal.site import Site, session_cookie
from rehearsal.sockets import Crowd

REQUESTS_AT_ONCE = 200
SOCKETS = 500
SECONDS = 5
# What Heroku's smallest plans and dynos give; App Platform's give no less.
POSTGRES_CONNECTIONS = 20
REDIS_CONNECTIONS = 20
MEGABYTES = 512
# An ASGI process closes the connection of a thread that had no work for 20 seconds.
SHRINK_SECONDS = 40
# While a deploy has the old and the new processes answer at once.
DEPLOY_SECONDS = 3
DEPLOY_CLIENTS = 50
DEPLOY_SOCKETS = 20


async def ask_on(client: Client, until: asyncio.Event) -> list:
    answers = []
    while not until.is_set():
        answers.append(await client.get("/"))
    client.close()
    return answers


async def load(site: Site, sessions: list[str], sockets: int, peak: Peak) -> list:
    """Ask with many clients at once while many pages are open; returns the answers."""
    watching = asyncio.create_task(peak.watch())
    crowd, over = Crowd(site.platform.host, site.port), asyncio.Event()
    await crowd.open_many(sessions, sockets)
    headers = {"Host": site.platform.host, "X-Forwarded-Proto": "https"}
    headers |= session_cookie(sessions[0])
    clients = [Client(site.port, headers) for _ in range(REQUESTS_AT_ONCE)]
    asking = [asyncio.create_task(ask_on(client, over)) for client in clients]
    await asyncio.sleep(SECONDS)
    over.set()
    answers = [answer for task in asking for answer in await task]
    still_open = len(crowd.sockets)
    await crowd.leave()
    watching.cancel()
    assert still_open == sockets, crowd.codes
    return answers


@for_combinations(SERVERS)
def test_it_stays_within_the_smallest_plans_and_gives_back_what_it_took(
    deployment, sessions, services, project, report
):
    redis_port = {"heroku": services.self_signed_port, "digitalocean": services.issued_port}
    ports = {
        "PostgreSQL": services.postgres.port,
        "Redis": redis_port[project.answers["platform"]],
    }
    sockets = SOCKETS if is_asgi(project.answers) else 0
    with deployment.site() as site:
        peak = Peak(site, ports)
        answers = asyncio.run(load(site, sessions, sockets, peak))
        report("sockets", sockets)
        report("most PostgreSQL connections", peak.connections["PostgreSQL"])
        report("most Redis connections", peak.connections["Redis"])
        report("most memory MB", round(peak.megabytes))
        unwell = [a for a in answers if (a.outcome, a.status) != (Outcome.COMPLETE, 200)]
        assert unwell == []
        assert 0 < peak.connections["PostgreSQL"] <= POSTGRES_CONNECTIONS
        assert peak.connections["Redis"] <= REDIS_CONNECTIONS
        assert (peak.connections["Redis"] > 0) == is_asgi(project.answers)
        assert peak.megabytes < MEGABYTES
        if is_asgi(project.answers):
            asyncio.run(wait_until_it_shrinks(peak))


async def wait_until_it_shrinks(peak: Peak) -> None:
    """Raises TimeoutError if the pools keep all of the connections that the load needed."""
    async with asyncio.timeout(SHRINK_SECONDS):
        while peak.connections_to("PostgreSQL") >= peak.connections["PostgreSQL"]:
            await asyncio.sleep(1)


async def load_both(old: Site, new: Site, sessions: list[str], sockets: int, look) -> tuple:
    """Ask both sites at once, whose pages are open too; the answers, and the most ``look`` saw."""
    over, crowds = asyncio.Event(), [Crowd(site.platform.host, site.port) for site in (old, new)]
    for crowd in crowds:
        await crowd.open_many(sessions, sockets)
    clients = [site.client(sessions[0]) for site in (old, new) for _ in range(DEPLOY_CLIENTS)]
    asking = [asyncio.create_task(ask_on(client, over)) for client in clients]
    probing = [asyncio.create_task(probe(site, over)) for site in (old, new)]
    most, ends_at = 0, time.monotonic() + DEPLOY_SECONDS
    while time.monotonic() < ends_at:
        most = max(most, await asyncio.to_thread(look))
    over.set()
    answers = [answer for task in asking for answer in await task]
    await asyncio.gather(*probing, *(crowd.leave() for crowd in crowds))
    return answers, most


async def probe(site: Site, until: asyncio.Event) -> None:
    client = site.client()
    while not until.is_set():
        await client.get("/readyz")
    client.close()


@for_combinations(SERVERS)
def test_a_deploy_stays_within_the_connections_of_the_smallest_plan(
    deployment, sessions, services, project, report
):
    def connections() -> int:
        port = services.postgres.port
        return sum(site.process.connections_to(port) for site in (old, new))

    sockets = DEPLOY_SOCKETS if is_asgi(project.answers) else 0
    with deployment.site() as old, deployment.site() as new:
        answers, most = asyncio.run(load_both(old, new, sessions, sockets, connections))
    report("PostgreSQL connections in a deploy", most)
    assert {(answer.outcome, answer.status) for answer in answers} == {(Outcome.COMPLETE, 200)}
    assert 2 < most <= POSTGRES_CONNECTIONS
