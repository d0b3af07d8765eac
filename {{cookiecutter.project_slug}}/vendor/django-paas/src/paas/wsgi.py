"""WSGI: limits on request bodies, chunked bodies, and SIGTERM under servers that drop requests.

``wsgi.py`` has ``application = GracefulShutdown(WSGIHandler())``.
"""

import signal
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from tempfile import SpooledTemporaryFile

from django.core.handlers import wsgi
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from paas.checks import APPLICATION_PARTS
from paas.limits import DISCARD_BYTES, DISCARD_SECONDS, TOO_LARGE, max_body_size_of

# Bytes of a body in memory; a larger one is in a temporary file.
MAX_IN_MEMORY = 65536
READ_SIZE = 65536
# After SIGTERM Waitress goes on for this long at least: the router may still send requests, and an
# upload takes seconds, ...
ACCEPT_SECONDS = 5
# ... until no request has run for this long: of those that wait for a thread, the next begins, ...
IDLE_SECONDS = 1
# ... but not longer than this. It then waits 5 s for its threads; platforms send SIGKILL after 30.
SHUTDOWN_TIMEOUT = 24


class TooLarge(Exception):
    """The body is larger than the view takes."""


class WSGIHandler(wsgi.WSGIHandler):
    """Django's handler, which gets each request with its whole body, or not at all."""

    def __init__(self):
        super().__init__()
        APPLICATION_PARTS.add("WSGIHandler")

    def __call__(self, environ, start_response):
        try:
            is_whole = receive(environ)
        except TooLarge:
            TOO_LARGE.log(wsgi.get_path_info(environ))
            return reject(environ["wsgi.input"], start_response)
        if not is_whole:  # the client has disconnected
            start_response("400 Bad Request", [("Content-Length", "0")])
            return []
        return super().__call__(environ, start_response)

    def get_response(self, request):
        response = super().get_response(request)
        # A stream may still use its connection. Django closes others, or gives them back to the pool,
        # only once the client has read the response.
        if not response.streaming or getattr(response, "file_to_stream", None):
            close_old_connections()
        return response


def receive(environ) -> bool:
    """Read the body, if there is one; False if the client disconnected before its end.

    Django reads no body without a length, such as a chunked one. A view that reads one itself would
    hold its database connection while the client sends. Raises TooLarge.
    """
    length, stream = int(environ.get("CONTENT_LENGTH") or 0), environ["wsgi.input"]
    # Where the server marks the end of such a body: https://gist.github.com/mitsuhiko/5721547
    has_end = environ.get("wsgi.input_terminated", False)
    is_chunked = has_end and "HTTP_TRANSFER_ENCODING" in environ
    if not length and not is_chunked:
        return True
    limit = max_body_size_of(wsgi.get_path_info(environ))
    if length > limit:
        raise TooLarge
    if hasattr(stream, "seekable") and stream.seekable():  # a file, which has all of it
        return True
    body = SpooledTemporaryFile(MAX_IN_MEMORY)  # noqa: SIM115 (Django reads it later)
    while data := stream.read(READ_SIZE if is_chunked else min(READ_SIZE, length - body.tell())):
        body.write(data)
        if body.tell() > limit:
            raise TooLarge
    size = body.tell()
    body.seek(0)
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = body, str(size)
    return size >= length


def reject(body, start_response) -> Iterable[bytes]:
    """Respond with 413 and only then discard the rest of the body."""
    status = f"{TOO_LARGE.status.value} {TOO_LARGE.status.phrase}"
    # A WSGI application may not set "Connection".
    start_response(status, [each for each in TOO_LARGE.headers if each[0] != "Connection"])
    yield TOO_LARGE.body
    size, deadline = 0, time.monotonic() + DISCARD_SECONDS
    with suppress(Exception):  # nobody waits for this body: it may be cut off, or no valid chunk
        while size < DISCARD_BYTES and time.monotonic() < deadline:
            data = body.read(READ_SIZE)
            size += len(data)
            if not data:
                break


class GracefulShutdown:
    """WSGI application: ``application``, which is Django's, and whose requests finish after SIGTERM.

    It does nothing if the server has a handler of SIGTERM, as Gunicorn has. Waitress has none. What
    Waitress still receives, or has yet to send, no application can see: that gets ACCEPT_SECONDS.
    wsgi.py has it outside of everything else.
    """

    def __init__(self, application):
        APPLICATION_PARTS.add("GracefulShutdown")
        self.application = application
        self.running, self.changed_at, self.lock = 0, 0.0, threading.Lock()
        request_started.connect(self.begin)
        # Of a FileResponse, after the last byte: Waitress' main loop sends the file.
        request_finished.connect(self.end)
        # runserver imports the application in another thread, where no handler can be set.
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self.stop)

    def __call__(self, environ, start_response):
        return self.application(environ, start_response)

    def begin(self, **kwargs) -> None:
        self.add(1)

    def end(self, **kwargs) -> None:
        self.add(-1)

    def add(self, number: int) -> None:
        with self.lock:
            self.running += number
            self.changed_at = time.monotonic()

    # In a handler of a signal, what takes a lock, such as logging, may deadlock.

    def stop(self, *_) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.stopped_at = time.monotonic()
        signal.signal(signal.SIGALRM, self.exit_if_idle)
        signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)

    def exit_if_idle(self, *_) -> None:
        now = time.monotonic()
        seconds = now - self.stopped_at
        is_idle = not self.running and now > self.changed_at + IDLE_SECONDS
        if (is_idle and seconds > ACCEPT_SECONDS) or seconds > SHUTDOWN_TIMEOUT:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise SystemExit  # ends Waitress' loop; the exit status is 0
