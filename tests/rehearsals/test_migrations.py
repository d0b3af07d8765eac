"""A release migrates without stalling the site, and only once, however many run at a time."""

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from rehearsal.combinations import by_name, for_combinations
from rehearsal.processes import CommandFailed, bare_environment, run

pytestmark = for_combinations(by_name("heroku-asgi-daphne"))

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
# What PostgreSQL waits for behind a transaction that has read the table: seconds.
LONG_QUERY = 6
LOCK_TIMEOUT = 2
PAGE_INTERVAL = 0.1


class Release:
    """A checkout with one more migration, which the site that serves does not have."""

    def __init__(self, folder: Path, environment: dict[str, str]):
        self.folder, self.environment = folder, environment

    def add_migration(self, operation: str, atomic: bool = True) -> None:
        path = self.folder / "users/migrations/0005_more.py"
        path.write_text(MIGRATION.format(operation=operation, atomic=atomic))

    def use_django_s_migrate(self) -> None:
        (self.folder / "paas/management/commands/migrate.py").unlink()

    def run(self, command: str = "python manage.py migrate") -> str:
        return run(command, self.folder, self.environment)


@pytest.fixture
def release(project, deployment, tmp_path):
    # The timeout is for web processes only: here it would end what migrations wait for.
    environment = deployment.environment | {"STATEMENT_TIMEOUT": "1"}
    release = Release(project.checkout(tmp_path.name), environment)
    yield release
    release.run("python manage.py migrate users 0004")


@contextmanager
def hold_for(seconds: float, services, database: str, mode: str = "ACCESS SHARE"):
    """Hold a lock on the table, as one has who reads or in another mode, until so long after
    someone has begun to wait for it.
    """
    is_held, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        with services.postgres.locked(database, "users_user", mode):
            is_held.set()
            while not services.postgres.held_up(database) and not is_over.wait(0.1):
                pass
            is_over.wait(seconds)

    with ThreadPoolExecutor() as executor:
        holding = executor.submit(hold)
        assert is_held.wait(10)
        try:
            yield
        finally:
            is_over.set()
            holding.result()


def slowest_page(site, session: str, migrate: Callable[[], str]) -> float:
    """The seconds that the slowest page of the table took while ``migrate`` ran."""
    slowest = 0.0
    with site.visitor() as visitor, ThreadPoolExecutor() as executor:
        visitor.cookies["__Host-sessionid"] = session
        migrated: Future[str] = executor.submit(migrate)
        while not migrated.done():
            started = time.monotonic()
            assert "Log out" in visitor.get("/").text
            slowest = max(slowest, time.monotonic() - started)
            time.sleep(PAGE_INTERVAL)
        migrated.result()
    return slowest


def test_a_migration_behind_a_long_query_stalls_pages_only_with_django_s_migrate(
    release, site, sessions, services, project
):
    release.add_migration(ADD_FIELD)
    with hold_for(LONG_QUERY, services, project.database):
        seconds = slowest_page(site, sessions[0], release.run)
    assert seconds < LOCK_TIMEOUT + 1.5

    release.run("python manage.py migrate users 0004")
    release.use_django_s_migrate()
    with hold_for(LONG_QUERY, services, project.database):
        stalled = slowest_page(site, sessions[0], release.run)
    print(f"slowest page: {seconds:.1f} s, with Django's migrate {stalled:.1f} s")
    assert stalled > LOCK_TIMEOUT + 1.5


def test_a_release_gives_up_in_one_sentence_that_names_the_transaction(release, services, project):
    release.add_migration(ADD_FIELD)
    with (
        hold_for(60, services, project.database),
        pytest.raises(
            CommandFailed, match=r"got no lock in time. Transactions: process \d+ \(idle"
        ),
    ):
        release.run("python manage.py migrate --lock-timeout 1 --patience 2")
    assert "[ ] 0005_more" in release.run("python manage.py showmigrations users")


def test_an_index_that_is_built_concurrently_has_no_timeout(release, services, project):
    release.add_migration(ADD_INDEX, atomic=False)
    # It waits for who writes, while others read and write.
    seconds = 4 * LOCK_TIMEOUT
    with hold_for(seconds, services, project.database, "ROW EXCLUSIVE"):
        started = time.monotonic()
        printed = release.run()
        assert time.monotonic() - started > seconds - 1
    assert "next try" not in printed
    assert "users.0005_more... OK" in printed


def test_two_releases_at_once_migrate_once(release):
    release.add_migration(f"{ADD_FIELD}, {SLOWLY}")
    with ThreadPoolExecutor() as executor:
        printed = [each.result() for each in [executor.submit(release.run) for _ in range(2)]]
    assert sorted("Applying users.0005_more... OK" in text for text in printed) == [False, True]
    assert sorted("Another `migrate` is running" in text for text in printed) == [False, True]


def test_a_release_deletes_expired_sessions(deployment, services, project):
    url = services.postgres.url(project.database)
    with psycopg.connect(url, autocommit=True) as connection:
        expired = "INSERT INTO django_session VALUES ('long gone', '', now() - interval '1 day')"
        connection.execute(expired)
        deployment.run(deployment.platform.command("release"))
        query = "SELECT count(*) FROM django_session WHERE session_key = 'long gone'"
        assert connection.execute(query).fetchone() == (0,)


@pytest.fixture
def developer(project, services, tmp_path) -> Release:
    """A developer with a PostgreSQL, which has no tables."""
    services.postgres.create_database(tmp_path.name)
    folder = project.checkout(tmp_path.name)
    environment = bare_environment(project.environment("requirements-dev.txt"), folder)
    url = {"DATABASE_URL": f"{services.postgres.url(tmp_path.name)}?sslmode=prefer"}
    return Release(folder, environment | url)


def test_a_new_project_has_no_migration_that_locks_a_table(developer):
    developer.add_migration(ADD_INDEX, atomic=False)
    assert ", 0 warnings" in developer.run("python manage.py lintmigrations --strict")
    without = developer.environment | {"DATABASE_URL": "sqlite://"}
    assert "skipped" in run("python manage.py lintmigrations", developer.folder, without)


LOCKING = {
    "require-concurrent-index-creation": 'AddIndex("user", models.Index(fields=["email"], name="i"))',
    "changing-column-type": 'AlterField("user", "email", models.TextField())',
    "constraint-missing-not-valid": (
        'AddConstraint("user", models.CheckConstraint(condition=models.Q(id__gt=0), name="c"))'
    ),
    "ban-drop-default": 'AddField("user", "motto", models.TextField(default=""))',
    "ban-drop-column": 'RemoveField("user", "first_name")',
}


def test_a_migration_that_locks_a_table_is_warned_of_until_it_says_that_it_may(developer):
    developer.add_migration(", ".join(f"migrations.{each}" for each in LOCKING.values()))
    printed = developer.run("python manage.py lintmigrations")
    for rule in LOCKING:
        assert re.search(rf"^users/migrations/0005_more.py: .+ \({rule}\)$", printed, re.MULTILINE)
    with pytest.raises(
        CommandFailed, match="(?s)5 warnings.+::warning file=users/migrations/0005_more.py::"
    ):
        developer.run("GITHUB_ACTIONS=true python manage.py lintmigrations --strict")

    path = developer.folder / "users/migrations/0005_more.py"
    path.write_text(f"{path.read_text()}    squawk_ignore = {list(LOCKING)}\n")
    assert ", 0 warnings" in developer.run("python manage.py lintmigrations --strict")
