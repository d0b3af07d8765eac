import re

from django.core.management import call_command
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import DatabaseError, connections
from psycopg.errors import InsufficientPrivilege, InvalidSchemaName, LockNotAvailable

# Of pg_advisory_lock(): one lock per database.
LOCK_ID = int.from_bytes(b"migrate")
NO_LOCK = (
    "Could not lock a table within {} s because another query holds it. The migration was rolled "
    "back: find the query with `heroku pg:locks` or in pg_stat_activity, then deploy again."
)
NO_PRIVILEGE = (
    'PostgreSQL: {}. Have the owner of the database run: GRANT USAGE, CREATE ON SCHEMA {} TO "{}";'
)


class Command(migrate.Command):
    """Django's ``migrate``, which on PostgreSQL does not stall the site, and runs once at a time.

    A migration that waits for a table behind a long query makes every page of that table wait
    behind itself. Here it waits for ``--lock-timeout`` seconds, is rolled back, and the command
    fails. With ``atomic = False`` there is no timeout, as a part of it could not
    be rolled back.

    It also creates the tables of database caches: no migration of an app owns CACHES.
    https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT
    """

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument(
            "--lock-timeout",
            type=int,
            default=5,
            metavar="SECONDS",
            help="How long a migration may wait for a lock, while pages wait behind it.",
        )

    def handle(self, *args, **options):
        self.connection = connections[options["database"]]
        self.lock_timeout = options["lock_timeout"]
        if self.connection.vendor == "postgresql":
            # Wait for another release; the end of the connection frees it.
            self.execute_sql("SELECT pg_advisory_lock(%s)", [LOCK_ID])
        try:
            super().handle(*args, **options)
            if not (options["plan"] or options["check_unapplied"]):
                call_command("createcachetable", database=options["database"], verbosity=0)
        except DatabaseError as error:
            if message := self.explain(error):
                raise CommandError(message) from error
            raise

    def explain(self, error: DatabaseError) -> str | None:
        """What to do about psycopg's error behind Django's, for those that have an answer."""
        # Of the first table, it is behind a MigrationSchemaMissing.
        cause = error.__cause__ or getattr(error.__context__, "__cause__", None)
        if isinstance(cause, LockNotAvailable):
            return NO_LOCK.format(self.lock_timeout)
        if isinstance(cause, InsufficientPrivilege | InvalidSchemaName):
            reason = cause.diag.message_primary or ""
            # Without the privilege USAGE: "no schema has been selected to create in".
            if found := re.search(r"schema (?!has )(\S+)|no schema", reason):
                user = self.connection.connection.info.user
                return NO_PRIVILEGE.format(reason, found[1] or "public", user)
        return None

    def migration_progress_callback(self, action, migration=None, fake=False):
        """Set lock_timeout before a migration, and reset it afterwards."""
        super().migration_progress_callback(action, migration, fake)
        if self.connection.vendor == "postgresql" and migration and migration.atomic:
            seconds = self.lock_timeout if action.endswith("_start") else 0
            self.execute_sql(f"SET lock_timeout = '{seconds:d}s'")

    def execute_sql(self, sql: str, parameters: list | None = None) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
