"""Waitress, which by itself drops what it has under way when it is told to stop.

``python -m config.waitress`` serves the project on the port in ``PORT``.
"""

import os
import signal
import time
from functools import partial

from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel

from config.wsgi import application

# Heroku kills a process 30 seconds after it told it to stop, App Platform after 120.
SECONDS = 25
# So long it still lets clients in, as the router may not know yet, and waits for what one may ask.
LINGER_SECONDS = 1


class Channel(HTTPChannel):
    """A client's connection. Once the server stops, an answer says that it is the last one."""

    def service(self):
        if self.server.stopped_at:
            self.requests[0].headers["CONNECTION"] = "close"
        super().service()

    def is_idle(self) -> bool:
        busy = self.requests or self.request or self.total_outbufs_len
        return not busy and time.time() - self.last_activity > LINGER_SECONDS


def make_server(**settings):
    server = create_server(
        application,
        threads=8,
        connection_limit=500,
        # The other way, select(), ends the process at 1,024 open files.
        asyncore_use_poll=True,
        # The router sets them, and Django decides which to believe.
        clear_untrusted_proxy_headers=False,
        ident=None,
        **settings,
    )
    server.channel_class = Channel
    server.stopped_at = None
    return server


def serve(server, connections: dict) -> None:
    """Serve until SIGTERM, then finish what has begun. ``connections`` is the server's map."""
    wait = partial(wasyncore.loop, use_poll=True, map=connections, count=1)

    def stop(*_):
        server.stopped_at = time.monotonic()
        server.pull_trigger()

    signal.signal(signal.SIGTERM, stop)
    while not server.stopped_at:
        wait(1)
    while time.monotonic() < server.stopped_at + LINGER_SECONDS:
        wait(0.1)
    for _ in range(server.adj.backlog):  # whoever waits to be let in
        server.handle_accept()
    # Only the socket that listens: close() of the server's own would stop the rest as well.
    wasyncore.dispatcher.close(server)
    while server.active_channels and time.monotonic() < server.stopped_at + SECONDS:
        for channel in server.active_channels.values():
            channel.will_close = channel.will_close or channel.is_idle()
        wait(0.1)


if __name__ == "__main__":
    connections: dict[int, object] = {}
    server = make_server(port=os.environ["PORT"], map=connections)
    server.print_listen("Serving on http://{}:{}")
    serve(server, connections)
