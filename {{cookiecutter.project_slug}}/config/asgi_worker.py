"""Gunicorn's ASGI worker, which by itself drops who comes the moment it closes its door, and waits
for idle clients and open WebSockets to leave.
"""

import asyncio
import sys
from contextlib import suppress
from functools import partial
from socket import socket

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers.gasgi import ASGIWorker

from config import drain


class Worker(ASGIWorker):
    finishing: asyncio.Task | None = None

    def handle_exit_signal(self):
        # A platform signals every process, and Gunicorn its workers once more.
        if not self.finishing:
            self.finishing = self.loop.create_task(self.finish())

    async def finish(self) -> None:
        # Gunicorn waits for connections to end, and for this as if it were one.
        self.nr_conns += 1
        await asyncio.sleep(drain.LINGER_SECONDS)
        clients = self.close_door()
        connect = partial(self.loop.connect_accepted_socket, partial(ASGIProtocol, self))
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
