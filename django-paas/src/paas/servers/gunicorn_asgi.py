"""Gunicorn's ASGI worker with graceful shutdown.

The stock worker resets connections that arrive while its listener closes, and waits for idle
connections and open WebSockets.
"""

import asyncio
from contextlib import suppress
from functools import partial
from socket import socket

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

from paas.asgi import shutdown
from paas.limits import set_send_timeout


class Protocol(ASGIProtocol):
    """A client's connection."""

    def connection_made(self, transport):
        super().connection_made(transport)
        self.worker.connections.add(self)
        # Gunicorn has no timeout for a connection's first request: use that of keep-alive.
        self._arm_keepalive_timer()

    def connection_lost(self, exc):
        super().connection_lost(exc)
        self.worker.connections.discard(self)
        # Wake a send() that waits for room in the transport's buffer; Gunicorn does not.
        self.resume_writing()


# A monkeypatch: ASGIWorker has no option for the class of its protocol.
gasgi.ASGIProtocol = Protocol


class Worker(gasgi.ASGIWorker):
    finishing: asyncio.Task | None = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.connections: set[Protocol] = set()

    async def _serve(self):
        for listener in self.sockets:
            set_send_timeout(listener.sock)
        await super()._serve()

    def handle_exit_signal(self):
        # SIGTERM comes twice: from the platform, to every process, and from Gunicorn's arbiter.
        if not self.finishing:
            self.finishing = self.loop.create_task(self.finish())

    async def finish(self) -> None:
        # Gunicorn exits once nr_conns is 0: count the shutdown as a connection.
        self.nr_conns += 1
        await asyncio.sleep(shutdown.ACCEPT_GRACE_SECONDS)
        clients = self.stop_accepting()
        connect = partial(self.loop.connect_accepted_socket, partial(Protocol, self))
        late_connections = asyncio.gather(*map(connect, clients))
        super().handle_exit_signal()
        await asyncio.sleep(shutdown.ACCEPT_GRACE_SECONDS)
        await shutdown.drain()
        self.nr_conns -= 1
        await late_connections
        # Server.close_clients() is new in Python 3.13.
        for connection in list(self.connections):
            connection.transport.close()

    def stop_accepting(self) -> list[socket]:
        """Accept the whole backlog, then close at once: what arrives in between is reset."""
        clients = []
        for listener in self.sockets:
            with suppress(OSError):  # BlockingIOError once the backlog is empty
                while True:
                    clients.append(listener.accept()[0])
        for server in self.servers:
            server.close()
        return clients
