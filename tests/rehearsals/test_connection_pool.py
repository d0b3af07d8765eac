"""PgBouncer in transaction mode between the site and PostgreSQL, as on both platforms."""

import asyncio
import os
import re
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from rehearse.load import Answer, Outcome
from tests.harness.combinations import EACH_PLATFORM, for_combinations
from tests.harness.pgbouncer import PgBouncer
from tests.harness.site import Site
from tests.harness.views import add_rows, rows
from tests.harness.waiting import SECONDS, wait_until

# One for each interface and platform.
pytestmark = for_combinations(EACH_PLATFORM, apart="faults")

CLIENTS = 100
SERVER_CONNECTIONS = 4
# Each has a connection to the pool; many more than there are to the database.
THREADS = 50
ROWS = 300  # more than the chunk_size of the view's cursor
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
def pooled(pool, services, project, database):
    """The variables of a pool: Heroku sets its own, on App Platform the owner sets both."""
    through = pool.url(project.database)
    if project.answers["platform"] == "heroku":
        yield {"DATABASE_CONNECTION_POOL_URL": through}
    else:
        yield {"DATABASE_URL": through, "DATABASE_DIRECT_URL": database}
    # What set_timeout_of_role() sets.
    reset = sql.SQL("ALTER ROLE {} RESET statement_timeout")
    with services.postgres.connect() as connection:
        connection.execute(reset.format(sql.Identifier(urlsplit(database).username)))


async def ask(site: Site, session: str, number: int) -> list[tuple[str, Answer]]:
    """Have a client ask for each path in turn, beginning at ``number``."""
    client = site.client(session, seconds=SECONDS)
    paths = [PATHS[(number + turn) % len(PATHS)] for turn in range(len(PATHS))]
    answers = [(path, await client.get(path)) for path in paths]
    client.close()
    return answers


async def ask_all(site: Site, session: str) -> list[tuple[str, Answer]]:
    """The answers of all clients, which ask at once."""
    found = await asyncio.gather(*(ask(site, session, number) for number in range(CLIENTS)))
    return [answer for answers in found for answer in answers]


def set_timeout_of_role(deployment, database) -> None:
    """With the statement of docs/scaling.md, but for one second."""
    text = (deployment.platform.folder / "docs/scaling.md").read_text()
    statement = re.search(r'--command "(ALTER ROLE .+ = )\'20s\'"', text)[1]
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"{statement} '1s'")


def test_many_clients_share_a_few_connections_and_lose_nothing(
    deployment, pool, pooled, extra_views, services, sessions, project, database, report
):
    add_rows(database, "streamed", ROWS)
    add_rows(database, "pooled", 1)
    others = services.postgres.backends(project.database)
    changes = {**extra_views, **pooled, "WEB_THREADS": str(THREADS), "WEB_CONCURRENCY": "1"}
    with deployment.site(**changes) as site, site.visitor() as visitor:
        answers = asyncio.run(ask_all(site, sessions[0]))
        clients = site.process.connections_to(pool.port)
        servers = services.postgres.backends(project.database) - others
        assert site.process.connections_to(services.postgres.port) == 0
        wait_until(lambda: visitor.get("/readyz").status_code == 200, "200 from /readyz")
        set_timeout_of_role(deployment, database)
        pool.stop()
        pool.start()
        assert visitor.get("/extra/sleep-in-database/?seconds=20").status_code == 503
        assert visitor.get("/").status_code == 200
    report("clients of the pool", clients)
    report("connections of the pool", len(servers))
    assert {(a.outcome, a.status) for _, a in answers} == {(Outcome.COMPLETE, 200)}
    assert clients > 5 * SERVER_CONNECTIONS
    assert 0 < len(servers) <= SERVER_CONNECTIONS
    # Every transaction had its locks, and every cursor its rows.
    with psycopg.connect(database) as connection:
        query = "SELECT number FROM extra_row WHERE name = 'pooled'"
        assert connection.execute(query).fetchone()[0] == CLIENTS
    streamed = [a.body.split() for path, a in answers if "streamed" in path]
    assert {len(lines) for lines in streamed} == {rows(database, "streamed")}


def test_a_release_does_without_the_pool(deployment, pooled, pool):
    """The advisory lock of migrations is of a session, which transaction mode does not keep."""
    pool.stop()
    release = deployment.platform.commands()["release"]
    assert "No migrations to apply." in deployment.run(release, deployment.environment | pooled)
