"""The simulator's servers, and what tests ask them."""

from contextlib import contextmanager

import psycopg
from psycopg import sql

from rehearse import services
from rehearse.processes import Process


class Postgres(services.Postgres):
    def has_database(self, name: str) -> bool:
        with self.connect() as connection:
            query = "SELECT FROM pg_database WHERE datname = %s"
            return bool(connection.execute(query, [name]).rowcount)

    @contextmanager
    def locked(self, database: str, table: str, mode: str = "ACCESS EXCLUSIVE"):
        """Lock the table until the block ends: all queries wait; in mode SHARE only writes."""
        with psycopg.connect(self.url(database)) as connection:
            lock = sql.SQL("LOCK TABLE {} IN {} MODE")
            connection.execute(lock.format(sql.Identifier(table), sql.SQL(mode)))
            yield

    def connections(self, database: str) -> int:
        """Return how many clients are connected to the database."""
        return len(self.backends(database))

    def backends(self, database: str) -> set[int]:
        """Return the process ids of the server's end of each connection to the database."""
        query = "SELECT pid FROM pg_stat_activity WHERE backend_type = %s AND datname = %s"
        with self.connect() as connection:  # to another database
            return {pid for (pid,) in connection.execute(query, ["client backend", database])}


class Valkey(services.Valkey):
    def connections(self) -> int:
        """Return how many clients are connected."""
        with self._client() as client:
            own = client.client_id()
            return sum(int(other["id"]) != own for other in client.client_list())

    def flush(self) -> None:
        """Delete everything but the cache, which is in a database of its own."""
        with self._client() as client:
            client.flushdb()

    def oldest_delivery(self) -> float:
        """Return when the oldest task that is not acknowledged was delivered, in seconds since 1970."""
        with self._client() as client:
            delivered = client.zrange("unacked_index", 0, -1, withscores=True)
        return min((moment for _, moment in delivered), default=0)

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


class Services(services.Services):
    postgres_class, valkey_class = Postgres, Valkey
    postgres: Postgres
    valkey: Valkey

    def redis_connections(self, process: Process) -> int:
        """How many connections the process and all it started have to Valkey."""
        return sum(map(process.connections_to, (self.self_signed_port, self.issued_port)))
