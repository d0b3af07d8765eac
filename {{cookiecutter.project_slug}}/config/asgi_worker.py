"""Gunicorn's ASGI worker, which by itself drops who comes the moment it closes its door, and waits
for idle clients and open WebSockets to leave.
"""

import asyncio
import sys
from contextlib import suppress
from functools import partial
from socket import socket

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

from config import drain
from config.limits import set_send_timeout


class Protocol(ASGIProtocol):
    """A client's connection."""

    def connection_made(self, transport):
        super().connection_made(transport)
        # Gunicorn waits without end for the head of a connection's first request.
        self._arm_keepalive_timer()

    def connection_lost(self, exc):
        super().connection_lost(exc)
        # Gunicorn leaves a send() waiting that met a full buffer.
        self.resume_writing()


# ASGIWorker takes the class of its connections from there.
gasgi.ASGIProtocol = Protocol


class Worker(gasgi.ASGIWorker):
    finishing: asyncio.Task | None = None

    async def _serve(self):
        for listener in self.sockets:
            set_send_timeout(listener.sock)
        await super()._serve()

    def handle_exit_signal(self):
        # A platform signals every process, and Gunicorn its workers once more.
        if not self.finishing:
            self.finishing = self.loop.create_task(self.finish())

    async def finish(self) -> None:
        # Gunicorn waits for connections to end, and for this as if it were one.
        self.nr_conns += 1
        await asyncio.sleep(drain.LINGER_SECONDS)
        clients = self.close_door()
        connect = partial(self.loop.connect_accepted_socket, partial(Protocol, self))
        latecomers = asyncio.gather(*map(connect, clients))
        super().handle_exit_signal()
        await asyncio.sleep(drain.LINGER_SECONDS)
        await drain.finish()
        self.nr_conns -= 1
        for transport, _ in await latecomers:
            transport.close()
        if sys.version_info >= (3, 13):
            for server in self.servers:
                server.close_clients()

    def close_door(self) -> list[socket]:
        """Accept all who wait, and close at once: who comes in between is dropped."""
        clients = []
        for listener in self.sockets:
            with suppress(OSError):  # mostly because nobody waits any more
                while True:
                    clients.append(listener.accept()[0])
        for server in self.servers:
            server.close()
        return clients
