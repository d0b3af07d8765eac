"""A release migrates without stalling the site, and only once, however many run at a time."""

import time
from contextlib import ExitStack

import psycopg
import pytest

from rehearse.processes import CommandFailed, Process
from tests.harness.checkouts import Checkout
from tests.harness.combinations import by_name, for_combinations
from tests.harness.site import SESSION_COOKIE
from tests.harness.waiting import wait_until

pytestmark = for_combinations(by_name("heroku-asgi-uvicorn"), apart="migrations")

MIGRATION = """\
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0001_initial")]
    atomic = {atomic}
    operations = [{operation}]
"""
ADD_FIELD = 'migrations.AddField("user", "motto", models.TextField(null=True))'
SLOWLY = 'migrations.RunSQL("SELECT pg_sleep(3)", migrations.RunSQL.noop)'
ADD_INDEX = 'AddIndexConcurrently("user", models.Index(fields=["email"], name="by_email"))'
MIGRATE = "python manage.py migrate"
NEW = "users/migrations/0002_more.py"
MIGRATED = "users.0002_more... OK"
LOCK_TIMEOUT = 2  # seconds


def add_migration(checkout: Checkout, operation: str, atomic: bool = True) -> None:
    """Add a migration to a checkout; the running site does not have it."""
    checkout.write(NEW, MIGRATION.format(operation=operation, atomic=atomic))


@pytest.fixture
def release(project, deployment, tmp_path):
    # For web processes only: if it applied here, it would cancel the migrations.
    environment = deployment.environment | {"STATEMENT_TIMEOUT": "1"}
    release = Checkout(project.checkout(tmp_path.name), environment)
    yield release
    release.run(f"{MIGRATE} users 0001")


@pytest.fixture
def start(release):
    """Starts ``migrate`` in the release; it ends with the test at the latest."""
    with ExitStack() as stack:
        yield lambda options="": stack.enter_context(
            Process(f"{MIGRATE} {options}", release.folder, release.environment)
        )


def result(migrate: Process) -> str:
    """Wait for its end, which has to be a success; return its output."""
    assert migrate.process.wait(120) == 0, migrate.output()
    return migrate.output()


@pytest.fixture
def held(services, project):
    """Locks the table: as a query does that reads it, or in another mode."""
    return lambda mode="ACCESS SHARE": services.postgres.locked(
        project.database, "users_user", mode
    )


@pytest.fixture
def wait_for(services, project):
    """Waits until so many connections wait for a lock."""
    held_up = services.postgres.held_up
    return lambda count: wait_until(lambda: held_up(project.database) >= count, f"{count} waiting")


def seconds_of_page(visitor) -> float:
    """How long a page takes that reads the table."""
    started = time.monotonic()
    assert "Log out" in visitor.get("/", timeout=120).text
    return time.monotonic() - started


def test_migration_behind_a_long_query_gives_up_and_pages_go_on(
    release, start, held, wait_for, visitor, sessions, report
):
    visitor.cookies[SESSION_COOKIE] = sessions[0]
    add_migration(release, ADD_FIELD)
    with held():
        migrate = start(f"--lock-timeout {LOCK_TIMEOUT}")
        wait_for(1)
        seconds = [seconds_of_page(visitor)]
        while migrate.is_running():
            seconds.append(seconds_of_page(visitor))
    report("slowest page behind a migration that waits, s", round(max(seconds), 1))
    assert max(seconds) < 3 * LOCK_TIMEOUT
    assert migrate.process.wait(120) == 1
    assert f"within {LOCK_TIMEOUT} s" in migrate.output()
    assert "[ ] 0002_more" in release.run("python manage.py showmigrations users")


def test_index_that_is_built_concurrently_has_no_timeout(release, start, held, wait_for):
    add_migration(release, ADD_INDEX, atomic=False)
    # It waits for transactions that write, while others read and write.
    with held("ROW EXCLUSIVE"):
        migrate = start(f"--lock-timeout {LOCK_TIMEOUT}")
        wait_for(1)
        time.sleep(2 * LOCK_TIMEOUT)
    assert MIGRATED in result(migrate)


def test_concurrent_releases_migrate_once(release, start, held, wait_for):
    add_migration(release, f"{ADD_FIELD}, {SLOWLY}")
    with held():
        migrates = [start(), start()]
        wait_for(2)  # one for the table, the other for the first
    printed = [result(each) for each in migrates]
    assert sorted(MIGRATED in text for text in printed) == [False, True]


def test_release_deletes_expired_sessions(deployment, services, project):
    url = services.postgres.url(project.database)
    with psycopg.connect(url, autocommit=True) as connection:
        expired = "INSERT INTO django_session VALUES ('long gone', '', now() - interval '1 day')"
        connection.execute(expired)
        deployment.run(deployment.platform.commands()["release"])
        query = "SELECT count(*) FROM django_session WHERE session_key = 'long gone'"
        assert connection.execute(query).fetchone() == (0,)


# django-migration-linter's own tests have the other operations.
LOCKING = [
    'RemoveField("user", "first_name")',
    'AddIndex("user", models.Index(fields=["email"], name="i"))',
]
LINT = "python manage.py lintmigrations --include-apps users"


def test_check_finds_migrations_that_lock_tables_or_break_the_running_release(
    developer, empty_database
):
    developer.environment["DATABASE_URL"] = f"{empty_database}?sslmode=prefer"
    for operation in LOCKING:
        add_migration(developer, f"migrations.{operation}")
        with pytest.raises(CommandFailed, match=r"\(users, 0002_more\)\.\.\. ERR"):
            developer.run(LINT)

    table = "[tool.django_migration_linter]\n"
    developer.replace("pyproject.toml", table, f'{table}ignore_name = ["0002_more"]\n')
    assert "Erroneous migrations: 0/" in developer.run(LINT)


@pytest.mark.parametrize("privilege", ["CREATE", "USAGE"])
def test_a_missing_privilege_on_the_schema_is_a_sentence_with_the_grant(
    deployment, empty_database, privilege
):
    environment = deployment.environment | {"DATABASE_URL": empty_database}
    with psycopg.connect(empty_database, autocommit=True) as owner:
        owner.execute(f"REVOKE {privilege} ON SCHEMA public FROM pg_database_owner, PUBLIC")
        with pytest.raises(CommandFailed) as failure:
            deployment.run(MIGRATE, environment)
        [line] = [line for line in str(failure.value).splitlines() if "schema" in line]
        assert "Traceback" not in str(failure.value)
        owner.execute(line[line.index("GRANT") :])
    deployment.run(MIGRATE, environment)
