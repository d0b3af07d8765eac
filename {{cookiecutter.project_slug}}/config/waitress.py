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
from waitress.server import TcpWSGIServer

from config.health import PATHS as HEALTH_CHECK_PATHS
from config.limits import OVERLOADED, set_send_timeout
from config.waitress_channel import LINGER_SECONDS, Channel
from config.wsgi import application

# Heroku kills a process 30 seconds after it told it to stop, App Platform after 120.
SECONDS = 25
# Waitress looks at each of them whenever one of them has something to say.
MAX_CONNECTIONS = 2000
# Bytes of a response that its client has not read; above it the view's thread waits. Waitress keeps
# them in a temporary file from its outbuf_overflow of 1 MB on.
MAX_UNREAD = 100_000_000
# In all temporary files: above it no client may have more than that 1 MB, and one that reads nothing
# for a second is disconnected.
MAX_UNREAD_ON_DISK = 1_000_000_000


def max_connections() -> int:
    """As many as there can be open files: each has a socket and up to two temporary files."""
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(MAX_CONNECTIONS, open_files // 3)


class Server(TcpWSGIServer):
    channel_class = Channel
    stopped_at: float | None = None

    def accept_connections(self) -> None:
        set_send_timeout(self.socket)
        super().accept_connections()

    def add_task(self, channel: Channel) -> None:
        """Called with a channel that has a request for a thread."""
        request, dispatcher = channel.requests[0], self.task_dispatcher
        if channel.close_when_flushed:
            return
        if request.refusal:
            channel.refuse(request.refusal)
        elif request.django_path in HEALTH_CHECK_PATHS:
            super().add_task(channel)
            with dispatcher.lock:
                dispatcher.queue.rotate(1)  # the last becomes the first
        elif len(dispatcher.queue) < settings.MAX_QUEUED_REQUESTS:
            super().add_task(channel)
        else:
            channel.refuse(OVERLOADED)

    def maintenance(self, now: float) -> None:
        """Called every ``cleanup_interval`` seconds with ``time.time()``."""
        super().maintenance(now)
        unread = {channel: channel.unread_on_disk() for channel in self.active_channels.values()}
        is_full = sum(unread.values()) > MAX_UNREAD_ON_DISK
        self.adj.outbuf_high_watermark = self.adj.outbuf_overflow if is_full else MAX_UNREAD
        for channel, size in unread.items():
            in_the_way = is_full and size and now - channel.last_activity > 1
            if in_the_way or channel.has_stalled(now):
                channel.will_close = True


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
