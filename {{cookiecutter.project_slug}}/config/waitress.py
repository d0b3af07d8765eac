"""Waitress, which by itself drops what it has under way when it is told to stop.

``python -m config.waitress`` serves the project on the port in ``PORT``.
"""

import os
import resource
import signal
import sys
import time
from functools import partial

from django.conf import settings
from waitress import wasyncore

from config.waitress_channel import LINGER_SECONDS, MAX_UNREAD, Server
from config.wsgi import application

# Heroku kills a process 30 seconds after it told it to stop, App Platform after 120.
SECONDS = 25
# Waitress looks at each of them whenever one of them has something to say.
MAX_CONNECTIONS = 2000


def max_connections() -> int:
    """As many as there can be open files: each has a socket and up to two temporary files."""
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(MAX_CONNECTIONS, open_files // 3)


def make_server(**options) -> Server:
    return Server(
        application,
        threads=settings.WEB_THREADS,
        connection_limit=max_connections(),
        outbuf_high_watermark=MAX_UNREAD,
        # config/limits.py has the limit.
        max_request_body_size=sys.maxsize,
        recv_bytes=65536,
        # Seconds between looking for connections that have stalled.
        cleanup_interval=1,
        # The other way, select(), ends the process at 1,024 open files.
        asyncore_use_poll=True,
        # The router sets them, and Django decides which to believe.
        clear_untrusted_proxy_headers=False,
        ident=None,
        **options,
    )


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
