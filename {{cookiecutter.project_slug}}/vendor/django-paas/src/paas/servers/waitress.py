"""Waitress with graceful shutdown and limits; by itself it drops requests at SIGTERM.

``python -m paas.servers.waitress config.wsgi:application`` serves it on the port in ``PORT``.
"""

import os
import resource
import signal
import sys
import time
from functools import partial

from django.utils.module_loading import import_string
from waitress import wasyncore
from waitress.server import TcpWSGIServer

from paas.conf import settings
from paas.health import PATHS as HEALTH_CHECK_PATHS
from paas.limits import MAX_HEAD_SIZE, OVERLOADED, log_full, set_send_timeout
from paas.servers.waitress_channel import ACCEPT_GRACE_SECONDS, Channel

# Seconds. Less than the platform waits between SIGTERM and SIGKILL.
SHUTDOWN_TIMEOUT = 25
# For each event Waitress polls all connections, so the cost grows with their number.
MAX_CONNECTIONS = 2000
MAX_EXTRA_CONNECTIONS = 100
# outbuf_high_watermark: unsent bytes of a response above which its thread waits. Above
# outbuf_overflow, 1 MB, Waitress keeps them in a temporary file.
MAX_UNREAD = 100_000_000
# Unsent bytes in all temporary files. Above this, outbuf_high_watermark falls to outbuf_overflow,
# and clients that read nothing for a second are disconnected.
MAX_UNREAD_ON_DISK = 1_000_000_000


def max_connections() -> int:
    """A third of RLIMIT_NOFILE: a connection has a socket and up to two temporary files."""
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(MAX_CONNECTIONS, open_files // 3)


class Server(TcpWSGIServer):
    channel_class = Channel
    stopped_at: float | None = None

    def accept_connections(self) -> None:
        set_send_timeout(self.socket)
        super().accept_connections()

    def handle_accept(self) -> None:
        """Accept a connection; before, if there are too many, drop one that waits for its client."""
        if len(self.active_channels) >= max_connections():
            waiting = [each for each in self.active_channels.values() if each.is_waiting()]
            if waiting:
                log_full(max_connections())
                min(waiting, key=lambda channel: channel.age).handle_close()
        super().handle_accept()

    def add_task(self, channel: Channel) -> None:
        """Called with a channel that has a request for a thread."""
        request, dispatcher = channel.requests[0], self.task_dispatcher
        if channel.close_when_flushed:
            return
        if request.error_response:
            channel.send_error(request.error_response)
        elif request.django_path in HEALTH_CHECK_PATHS:
            super().add_task(channel)
            with dispatcher.lock:
                dispatcher.queue.rotate(1)  # from the end to the front
        elif len(dispatcher.queue) < settings.MAX_QUEUED_REQUESTS:
            super().add_task(channel)
        else:
            channel.send_error(OVERLOADED)

    def maintenance(self, now: float) -> None:
        """Called every ``cleanup_interval`` seconds with ``time.time()``."""
        super().maintenance(now)
        unread = {channel: channel.unread_on_disk() for channel in self.active_channels.values()}
        was_full = self.adj.outbuf_high_watermark < MAX_UNREAD
        is_full = sum(unread.values()) > MAX_UNREAD_ON_DISK
        self.adj.outbuf_high_watermark = self.adj.outbuf_overflow if is_full else MAX_UNREAD
        for channel, size in unread.items():
            if was_full and not is_full:
                channel.resume_writing()
            if is_full and size and now - channel.last_activity > 1:
                # Not will_close: Waitress closes then once the socket is writable.
                channel.handle_close()
            elif channel.has_stalled(now):
                channel.will_close = True


def make_server(application, **options) -> Server:
    return Server(
        application,
        threads=settings.WEB_THREADS,
        # Above max_connections(), for when handle_accept() finds none to drop.
        connection_limit=max_connections() + MAX_EXTRA_CONNECTIONS,
        outbuf_high_watermark=MAX_UNREAD,
        # The limit is MAX_BODY_SIZE, in paas/servers/waitress_channel.py.
        max_request_body_size=sys.maxsize,
        max_request_header_size=MAX_HEAD_SIZE,
        # Less at a time, so that large parts of bodies do not delay pages.
        recv_bytes=16384,
        # Seconds between two calls of maintenance().
        cleanup_interval=1,
        # poll(): select() fails at 1,024 open files, which ends the process.
        asyncore_use_poll=True,
        # Keep X-Forwarded-*: the router sets them, and the settings say which to trust.
        clear_untrusted_proxy_headers=False,
        ident=None,
        # A client that disconnects amid a response, or does not read it, is no error of the site.
        log_socket_errors=False,
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
    while time.monotonic() < server.stopped_at + ACCEPT_GRACE_SECONDS:
        wait(0.1)
    for _ in range(server.adj.backlog):  # accept the whole backlog
        server.handle_accept()
    # Close the listening socket only: server.close() would close the loop's trigger as well.
    wasyncore.dispatcher.close(server)
    while server.active_channels and time.monotonic() < server.stopped_at + SHUTDOWN_TIMEOUT:
        for channel in server.active_channels.values():
            channel.will_close = channel.will_close or channel.is_idle()
        wait(0.1)


def check() -> None:
    """Raise if the application cannot be imported."""
    import_string(settings.WSGI_APPLICATION)


if __name__ == "__main__":
    connections: dict[int, object] = {}
    application = import_string(sys.argv[1].replace(":", "."))
    server = make_server(application, port=os.environ["PORT"], map=connections)
    server.print_listen("Serving on http://{}:{}")
    serve(server, connections)
