"""A connection pool, PgBouncer in transaction mode, before the database: as both platforms have."""

import asyncio
import os
import re

import psycopg
import pytest
from psycopg import sql

from rehearsal.combinations import by_name, for_combinations
from rehearsal.load import Outcome
from rehearsal.services import PgBouncer
from rehearsal.site import Site
from rehearsal.views import add_rows, rows

# One for each interface and platform.
pytestmark = for_combinations(
    by_name("heroku-asgi-daphne", "digitalocean-wsgi-waitress-use_s3_media")
)

CLIENTS = 200
SERVER_CONNECTIONS = 4
# Each has a connection to the pool; many more than there are to the database.
THREADS = 50
ROWS = 300
# Of the rows, more than fit into one piece of a cursor (chunk_size).
PATHS = ("/", "/extra/increment/?name=pooled", "/extra/rows-from-database/?name=streamed")


@pytest.fixture
def pool(services, certificates, tmp_path):
    if not PgBouncer.program():
        if os.environ.get("CI"):
            pytest.fail("CI needs PgBouncer: Debian's package pgbouncer.")
        pytest.skip("There is no PgBouncer here: install Debian's package pgbouncer.")
    with PgBouncer(tmp_path, certificates, services.postgres, SERVER_CONNECTIONS) as pool:
        yield pool


@pytest.fixture
def pooled(pool, services, project):
    """The variables that each platform sets, or has one set."""
    through = pool.url(project.database)
    if project.answers["platform"] == "heroku":
        yield {"DATABASE_CONNECTION_POOL_URL": through}
    else:
        direct = services.postgres.url(project.database)
        yield {"DATABASE_URL": through, "DATABASE_DIRECT_URL": direct}
    # What set_timeout_of_role() sets.
    reset = sql.SQL("ALTER ROLE {} RESET statement_timeout")
    with services.postgres.connect() as connection:
        connection.execute(reset.format(sql.Identifier(project.database)))


async def ask(site: Site, session: str, rounds: int) -> list:
    """Have all clients ask for each path in turn, at once; returns the answers."""

    async def ask_all(number: int) -> list:
        client = site.client(session, seconds=60)
        paths = [PATHS[(number + turn) % len(PATHS)] for turn in range(rounds * len(PATHS))]
        answers = [(path, await client.get(path)) for path in paths]
        client.close()
        return answers

    found = await asyncio.gather(*map(ask_all, range(CLIENTS)))
    return [answer for answers in found for answer in answers]


class Watch:
    """The most connections to the database at once, without those that the shared site has."""

    def __init__(self, postgres, database: str):
        self.postgres, self.database, self.most = postgres, database, 0
        self.others = postgres.backends(database)

    async def look(self) -> None:
        while True:
            found = await asyncio.to_thread(self.postgres.backends, self.database)
            self.most = max(self.most, len(found - self.others))
            await asyncio.sleep(0.1)


async def load(site: Site, session: str, watch: Watch) -> list:
    watching = asyncio.create_task(watch.look())
    try:
        return await ask(site, session, rounds=1)
    finally:
        watching.cancel()


def test_many_clients_share_a_few_connections_and_lose_nothing(
    deployment, pool, pooled, extra_views, services, sessions, project, report
):
    url = services.postgres.url(project.database)
    add_rows(url, "streamed", ROWS)
    add_rows(url, "pooled", 1)
    watch = Watch(services.postgres, project.database)
    changes = {**extra_views, **pooled, "WEB_THREADS": str(THREADS), "WEB_CONCURRENCY": "1"}
    with deployment.site(**changes) as site:
        answers = asyncio.run(load(site, sessions[0], watch))
        clients = site.process.connections_to(int(re.findall(r":(\d+)/", pooled_url(pooled))[-1]))
        printed = site.process.output()
        with site.visitor() as visitor:
            assert visitor.get_with_retries("/readyz").status_code == 200
            set_timeout_of_role(deployment, pooled)
            pool.restart()
            assert visitor.get("/extra/sleep-in-database/?seconds=20").status_code == 503
            assert visitor.get("/").status_code == 200
    lost = [a for _, a in answers if (a.outcome, a.status) != (Outcome.COMPLETE, 200)]
    report("lost requests through a pool", len(lost))
    report("clients of the pool", clients)
    report("connections of the pool", watch.most)
    assert lost == [], printed[-3000:]
    assert len(answers) == CLIENTS * len(PATHS)
    assert clients > 5 * SERVER_CONNECTIONS
    assert 0 < watch.most <= SERVER_CONNECTIONS
    # Every transaction had its locks, and every cursor its rows.
    with psycopg.connect(url) as connection:
        query = "SELECT number FROM extra_row WHERE name = 'pooled'"
        assert connection.execute(query).fetchone()[0] == CLIENTS
    streamed = [a.body.split() for path, a in answers if "streamed" in path]
    assert {len(lines) for lines in streamed} == {rows(url, "streamed")}


def set_timeout_of_role(deployment, pooled) -> None:
    """With the command of docs/scaling.md, but for one second."""
    text = (deployment.platform.folder / "docs/scaling.md").read_text()
    command = re.search(r"python manage.py shell -c .+", text)[0]
    assert "'20s'" in command
    deployment.run(command.replace("20s", "1s"), deployment.environment | pooled)


def pooled_url(pooled: dict[str, str]) -> str:
    return pooled.get("DATABASE_CONNECTION_POOL_URL") or pooled["DATABASE_URL"]


def test_a_release_does_without_the_pool(deployment, pooled, pool):
    pool.stop()
    environment = deployment.environment | pooled
    printed = deployment.run(deployment.platform.command("release"), environment)
    assert "No migrations to apply." in printed
    # Such a lock belongs to a session, which a pool in transaction mode does not keep.
    script = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_try_advisory_lock(1)")
    cursor.execute("SELECT pg_advisory_unlock(1)")
    print("unlocked:", cursor.fetchone()[0])
"""
    command = f"python manage.py shell -v 0 -c '{script.replace(chr(39), chr(34))}'"
    assert "unlocked: True" in deployment.run(command, environment)
