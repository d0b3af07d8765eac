import time

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from psycopg.errors import LockNotAvailable

# Of pg_advisory_lock(): one lock per database.
LOCK_ID = int.from_bytes(b"migrate")
MAX_PAUSE = 30
OLDEST_TRANSACTIONS = """
    SELECT pid, state, extract(epoch FROM now() - xact_start)::int FROM pg_stat_activity
    WHERE xact_start < now() - interval '1 second' AND datname = current_database()
    AND pid != pg_backend_pid() ORDER BY xact_start LIMIT 3
"""


class Command(migrate.Command):
    """Django's ``migrate``, which on PostgreSQL does not stall the site, and runs once at a time.

    A migration that waits for a table behind a long query makes every page of that table wait
    behind itself. Here it waits for ``--lock-timeout`` seconds, is rolled back, and tried again
    later. With ``atomic = False`` there is no timeout, as a part of it could not be rolled back.
    https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT
    """

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument(
            "--lock-timeout",
            type=int,
            default=2,
            metavar="SECONDS",
            help="How long a migration may wait for a lock, while pages wait behind it.",
        )
        parser.add_argument(
            "--patience",
            type=int,
            default=600,
            metavar="SECONDS",
            help="How long to try again, or to wait for another `migrate`, before giving up.",
        )

    def handle(self, *args, **options):
        self.connection = connections[options["database"]]
        self.lock_timeout = options["lock_timeout"]
        self.deadline = time.monotonic() + options["patience"]
        only_shows = options["plan"] or options["check_unapplied"]
        if self.connection.vendor != "postgresql" or only_shows:
            super().handle(*args, **options)
            return
        self.wait_for_other_release()
        try:
            self.migrate_with_retries(*args, **options)
        finally:
            # A connection that broke has lost it, and the error that broke it matters more.
            if self.connection.is_usable():
                self.query("SELECT pg_advisory_unlock(%s)", [LOCK_ID])

    def migrate_with_retries(self, *args, **options) -> None:
        pause = 1
        while True:
            try:
                super().handle(*args, **options)
                return
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable):
                    raise
                self.query("RESET lock_timeout")
                blockers = self.describe_oldest_transactions()
                if time.monotonic() + pause > self.deadline:
                    message = f"A migration got no lock in time. {blockers}"
                    raise CommandError(message) from error
            self.stdout.write(f"\n  No lock in time, next try in {pause} s. {blockers}")
            time.sleep(pause)
            pause = min(2 * pause, MAX_PAUSE)

    def migration_progress_callback(self, action, migration=None, fake=False):
        """Set lock_timeout before a migration, and reset it afterwards."""
        super().migration_progress_callback(action, migration, fake)
        if self.connection.vendor == "postgresql" and migration and migration.atomic:
            if action.endswith("_start"):
                self.query(f"SET lock_timeout = '{self.lock_timeout}s'")
            else:
                self.query("RESET lock_timeout")

    def wait_for_other_release(self) -> None:
        """Take the advisory lock, which the end of the connection frees at the latest."""
        is_announced = False
        while not self.query("SELECT pg_try_advisory_lock(%s)", [LOCK_ID])[0][0]:
            if time.monotonic() > self.deadline:
                raise CommandError("Another `migrate` is still running.")
            if not is_announced:
                self.stdout.write("Another `migrate` is running: waiting for its end.")
                is_announced = True
            time.sleep(1)

    def describe_oldest_transactions(self) -> str:
        """Without their queries, which may hold personal data."""
        rows = self.query(OLDEST_TRANSACTIONS)
        found = [f"process {pid} ({state}) for {seconds} s" for pid, state, seconds in rows]
        return f"Transactions: {', '.join(found)}." if found else ""

    def query(self, sql: str, parameters: list | None = None) -> list[tuple]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []
