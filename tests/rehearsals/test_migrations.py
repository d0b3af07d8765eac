"""A release migrates without stalling the site, and only once, however many run at a time."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest

from rehearsal.checkouts import Checkout
from rehearsal.combinations import by_name, for_combinations
from rehearsal.processes import CommandFailed, Process
from rehearsal.site import SESSION_COOKIE
from rehearsal.waiting import wait_until

pytestmark = for_combinations(by_name("heroku-asgi-daphne"), apart="migrations")

MIGRATION = """\
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0004_limits")]
    atomic = {atomic}
    operations = [{operation}]
"""
ADD_FIELD = 'migrations.AddField("user", "motto", models.TextField(null=True))'
SLOWLY = 'migrations.RunSQL("SELECT pg_sleep(3)", migrations.RunSQL.noop)'
ADD_INDEX = 'AddIndexConcurrently("user", models.Index(fields=["email"], name="by_email"))'
MIGRATE = "python manage.py migrate"
NEW = "users/migrations/0005_more.py"
MIGRATED = "users.0005_more... OK"
ANOTHER = "Another `migrate` is running"
LOCK_TIMEOUT = 2  # seconds, as docs/operations.md says
LONG = 4 * LOCK_TIMEOUT


def add_migration(checkout: Checkout, operation: str, atomic: bool = True) -> None:
    """Add a migration to a checkout; the running site does not have it."""
    checkout.write(NEW, MIGRATION.format(operation=operation, atomic=atomic))


@pytest.fixture
def release(project, deployment, tmp_path):
    # For web processes only: if it applied here, it would cancel the migrations.
    environment = deployment.environment | {"STATEMENT_TIMEOUT": "1"}
    release = Checkout(project.checkout(tmp_path.name), environment)
    yield release
    release.run(f"{MIGRATE} users 0004")


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


def test_a_migration_behind_a_long_query_stalls_pages_only_with_django_s_migrate(
    release, start, held, wait_for, visitor, sessions, report
):
    visitor.cookies[SESSION_COOKIE] = sessions[0]
    add_migration(release, ADD_FIELD)
    with held():
        migrate = start()
        wait_for(1)
        seconds = [seconds_of_page(visitor)]
        while migrate.is_running() and "next try" not in migrate.output():
            seconds.append(seconds_of_page(visitor))
    report("slowest page behind a migration that waits, s", round(max(seconds), 1))
    assert max(seconds) < 3 * LOCK_TIMEOUT
    assert MIGRATED in result(migrate)

    release.run(f"{MIGRATE} users 0004")
    (release.folder / "paas/management/commands/migrate.py").unlink()
    with ThreadPoolExecutor() as background:
        with held():
            migrate = start()
            wait_for(1)
            page = background.submit(seconds_of_page, visitor)
            wait_for(2)
            time.sleep(LONG)
            assert not page.done()
        assert page.result() > LONG
    assert MIGRATED in result(migrate)


def test_a_release_gives_up_in_one_sentence_that_names_the_transaction(release, start, held):
    add_migration(release, ADD_FIELD)
    with held():
        migrate = start("--lock-timeout 1 --patience 2")
        assert migrate.process.wait(120) == 1
    sentence = r"got no lock in time. Transactions: process \d+ \(idle"
    assert re.search(sentence, migrate.output())
    assert "[ ] 0005_more" in release.run("python manage.py showmigrations users")


def test_an_index_that_is_built_concurrently_has_no_timeout(release, start, held, wait_for):
    add_migration(release, ADD_INDEX, atomic=False)
    # It waits for transactions that write, while others read and write.
    with held("ROW EXCLUSIVE"):
        migrate = start()
        wait_for(1)
        time.sleep(LONG)
    printed = result(migrate)
    assert "next try" not in printed
    assert MIGRATED in printed


def test_two_releases_at_once_migrate_once(release, start, held):
    add_migration(release, f"{ADD_FIELD}, {SLOWLY}")
    with held():  # until each has seen the other
        migrates = [start(), start()]
        wait_until(lambda: any(ANOTHER in each.output() for each in migrates), ANOTHER)
    printed = [result(each) for each in migrates]
    assert sorted(MIGRATED in text for text in printed) == [False, True]
    assert sorted(ANOTHER in text for text in printed) == [False, True]


def test_a_release_deletes_expired_sessions(deployment, services, project):
    url = services.postgres.url(project.database)
    with psycopg.connect(url, autocommit=True) as connection:
        expired = "INSERT INTO django_session VALUES ('long gone', '', now() - interval '1 day')"
        connection.execute(expired)
        deployment.run(deployment.platform.command("release"))
        query = "SELECT count(*) FROM django_session WHERE session_key = 'long gone'"
        assert connection.execute(query).fetchone() == (0,)


LINT = "python manage.py lintmigrations"
LOCKING = {
    "require-concurrent-index-creation": 'AddIndex("user", models.Index(fields=["email"], name="i"))',
    "changing-column-type": 'AlterField("user", "email", models.TextField())',
    "constraint-missing-not-valid": (
        'AddConstraint("user", models.CheckConstraint(condition=models.Q(id__gt=0), name="c"))'
    ),
    "ban-drop-default": 'AddField("user", "motto", models.TextField(default=""))',
    "ban-drop-column": 'RemoveField("user", "first_name")',
}


def test_a_migration_that_locks_a_table_is_warned_of_until_it_says_that_it_may(
    developer, empty_database
):
    developer.environment["DATABASE_URL"] = f"{empty_database}?sslmode=prefer"
    add_migration(developer, ", ".join(f"migrations.{each}" for each in LOCKING.values()))
    printed = developer.run(LINT)
    for rule in LOCKING:
        assert re.search(rf"^{NEW}: .+ \({rule}\)$", printed, re.MULTILINE)
    annotation = f"(?s)5 warnings.+::warning file={NEW}::"
    with pytest.raises(CommandFailed, match=annotation):
        developer.run(f"{LINT} --strict", GITHUB_ACTIONS="true")

    developer.append(NEW, f"    squawk_ignore = {list(LOCKING)}\n")
    assert ", 0 warnings" in developer.run(f"{LINT} --strict")
