"""Uvicorn with graceful shutdown; by itself it resets connections that arrive while it stops.

``python -m paas.servers.uvicorn config.asgi:application`` serves it on the port in ``PORT``, in as
many processes as the variable ``WEB_CONCURRENCY`` says.
"""

import asyncio
import logging
import os
import sys
import traceback
from contextlib import suppress
from functools import partial
from socket import IPPROTO_TCP, TCP_NODELAY, socket

import uvicorn
from django.utils.module_loading import import_string
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import multiprocess

from paas.asgi import shutdown
from paas.conf import settings
from paas.limits import set_send_timeout
from paas.servers.uvicorn_connection import KEEP_ALIVE_SECONDS, Connection

# Of WebSockets, in bytes.
MAX_MESSAGE_SIZE = 65536
# In which a process has to import the application.
START_SECONDS = 60

logger = logging.getLogger(__name__)


class Server(uvicorn.Server):
    def run(self, sockets=None):
        """Serve on ``sockets``; if the application cannot be imported, exit with status 3."""
        try:
            self.config.load()
        except Exception:  # noqa: BLE001 (with another status, the supervisor tries it again)
            traceback.print_exc()
            sys.exit(STARTUP_FAILURE)
        for listener in sockets:
            set_send_timeout(listener)
            # Connections inherit it. asyncio sets it only on sockets that it makes; without it the
            # body of a response waits 40 ms for the client to confirm the head.
            listener.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        logger.info("serving on port %s", self.config.port)
        super().run(sockets)

    async def shutdown(self, sockets=None):
        """Called after SIGTERM."""
        await asyncio.sleep(shutdown.ACCEPT_GRACE_SECONDS)
        clients = [client for listener in sockets for client in accept_backlog(listener)]
        for server in self.servers:
            server.close()
        connect = partial(asyncio.get_running_loop().connect_accepted_socket, self.make_connection)
        await asyncio.gather(*map(connect, clients))
        Connection.is_stopping = True
        for connection in self.server_state.connections:
            if cycle := getattr(connection, "cycle", None):  # a WebSocket has none
                cycle.keep_alive = False
        await asyncio.sleep(shutdown.ACCEPT_GRACE_SECONDS)
        await shutdown.drain()
        await super().shutdown()
        # Else Uvicorn ends itself by the same signal, and not with status 0.
        self._captured_signals.clear()

    def make_connection(self) -> Connection:
        return Connection(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


# A monkeypatch: the supervisor has no option for the class of its processes' server.
multiprocess.Server = Server  # type: ignore[misc]


class Supervisor(multiprocess.Multiprocess):
    def init_processes(self):
        """Start the processes one by one: if the first cannot start, its errors come once."""
        for _ in range(self.processes_num):
            process = multiprocess.Process(self.config, self.sockets)
            process.start()
            self.processes.append(process)
            if not process.wait_until_ready(START_SECONDS, self.should_exit):
                self.should_exit.set()
                return

    def terminate_all(self):
        # Before the processes do, or connections would wait for a process that is no more.
        for listener in self.sockets:
            listener.close()
        super().terminate_all()

    def run(self):
        """Run until SIGTERM; exit with status 3 if a process could not start."""
        super().run()
        if any(process.exitcode == STARTUP_FAILURE for process in self.processes):
            sys.exit(STARTUP_FAILURE)


def accept_backlog(listener: socket) -> list[socket]:
    """The connections that the kernel has accepted: closing ``listener`` would reset them."""
    clients = []
    with suppress(OSError):  # BlockingIOError once there are no more
        while True:
            clients.append(listener.accept()[0])
    return clients


def configuration(application: str) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        host="0.0.0.0",
        port=int(os.environ["PORT"]),
        loop="asyncio",
        http=Connection,
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_SIZE,
        lifespan="off",
        # paas/request_log.py and paas/asgi/websockets.py log more.
        log_config=None,
        log_level="error",
        access_log=False,
        # paas/proxy_headers.py knows which to trust.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        # After shutdown.drain(), for the last responses in the transports' buffers.
        timeout_graceful_shutdown=1,
        # A process that has to be started again imports the application before it answers.
        timeout_worker_healthcheck=START_SECONDS,
        # A pipelined request begins within the one before: it must not keep that one's context.
        reset_contextvars=True,
    )


def check() -> None:
    """Raise if the application cannot be imported."""
    import_string(settings.ASGI_APPLICATION)


if __name__ == "__main__":
    config = configuration(sys.argv[1])
    sockets = [config.bind_socket()]
    if config.workers > 1:
        Supervisor(config, sockets).run()
    else:
        Server(config).run(sockets)
