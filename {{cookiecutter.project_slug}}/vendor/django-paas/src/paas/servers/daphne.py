"""Daphne with graceful shutdown and back-pressure; by itself it cancels requests at SIGTERM.

``python -m paas.servers.daphne`` takes the options of ``daphne``.
"""

import asyncio
from contextlib import suppress
from contextvars import Context
from functools import partial
from io import BytesIO

from daphne import cli, server
from django.utils.module_loading import import_string
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.main import CONNECTION_DONE
from twisted.python.failure import Failure

from paas.asgi import shutdown
from paas.conf import settings
from paas.limits import set_send_timeout
from paas.servers.daphne_channel import Factory

# Connections that the kernel accepts before we do, as other servers have it. Of more than Twisted's
# 50 at once, clients would try the rest again after a second or more.
BACKLOG = 2048

# A monkeypatch: Server.run() has no option for the class of its factory.
server.HTTPFactory = Factory


class Server(server.Server):
    stopping = False

    def listen_success(self, port):
        self.port = port
        set_send_timeout(port.socket)
        port.socket.listen(BACKLOG)
        super().listen_success(port)

    def log_action(self, protocol, action, details):
        """Log nothing: paas/request_log.py and paas/asgi/websockets.py log more."""

    def create_application(self, protocol, scope):
        # Daphne takes it from the Daphne-Root-Path header, which any client can send.
        scope["root_path"] = self.root_path
        if scope["type"] == "http":
            # The whole body, in a file: Daphne would put copies of all its parts into a queue.
            scope["paas.body"], protocol.content = protocol.content, BytesIO()
        # A pipelined request begins within the one before: it must not keep that one's context.
        queue = Context().run(super().create_application, protocol, scope)
        if application := self.connections.get(protocol, {}).get("application_instance"):
            application.add_done_callback(partial(self.forget, protocol))
        return queue

    def forget(self, protocol, application) -> None:
        """Free a request that has ended; Daphne itself does, and logs errors, every second."""
        is_over = "disconnected" in self.connections.get(protocol, {})
        if is_over and not application.cancelled() and not application.exception():
            del self.connections[protocol]

    async def handle_reply(self, protocol, message):
        if message["type"] == "http.response.start" and self.stopping and protocol.channel:
            protocol.responseHeaders.setRawHeaders("connection", ["close"])
            protocol.channel.persistent = False
        if message == shutdown.CLOSE and protocol.state == protocol.STATE_OPEN:
            # Daphne calls Autobahn's sendClose(), which allows 1000 and 3000 to 4999 only.
            protocol.sendCloseFrame(shutdown.CLOSE["code"])
        else:
            await super().handle_reply(protocol, message)
        if message["type"] == "http.response.body" and getattr(protocol, "channel", None):
            # Until there is room for the next part, or the client has disconnected.
            await protocol.channel.can_write.wait()

    def kill_all_applications(self) -> Deferred:
        """Called before the reactor stops; the reactor waits for the Deferred."""
        return Deferred.fromFuture(asyncio.ensure_future(self.finish()))

    async def finish(self) -> None:
        self.stopping = True
        await asyncio.sleep(shutdown.ACCEPT_GRACE_SECONDS)
        # Accept the whole backlog; Twisted's default is about as many as it accepted last time.
        self.port.numberAccepts = 1000
        self.port.doRead()
        # Close the socket now: stopListening() closes it one reactor turn later, and connections
        # that arrive in between would be reset.
        self.port.connectionLost(Failure(CONNECTION_DONE))
        await asyncio.sleep(shutdown.ACCEPT_GRACE_SECONDS)
        await shutdown.drain()
        # The transports may still have the last responses in their buffers.
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                # Twisted's interface declares its methods without self.
                while reactor.getWriters():  # type: ignore[misc]
                    await asyncio.sleep(0.01)


class CommandLineInterface(cli.CommandLineInterface):
    server_class = Server


def check() -> None:
    """Raise if the application cannot be imported."""
    import_string(settings.ASGI_APPLICATION)


if __name__ == "__main__":
    CommandLineInterface.entrypoint()
