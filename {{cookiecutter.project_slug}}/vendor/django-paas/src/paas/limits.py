"""Limits on every request, which each server enforces without holding a thread.

The settings MAX_BODY_SIZE, MAX_QUEUED_REQUESTS and SEND_TIMEOUT are described in README.md.
"""

import socket
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus

import structlog
from django.urls import Resolver404, resolve

from paas.conf import settings

RETRY_AFTER_SECONDS = 5
# Bytes of a request line and headers.
MAX_HEAD_SIZE = 65536
# Bytes of a body in memory; a larger one is in a temporary file.
MAX_IN_MEMORY = 65536
# A request that is incomplete is dropped after this long without data, ...
RECEIVE_PAUSE_SECONDS = 30
# ... and if it is slower than this many bytes a second, after RECEIVE_SECONDS. As Apache's
# RequestReadTimeout: https://httpd.apache.org/docs/2.4/mod/mod_reqtimeout.html
RECEIVE_SECONDS = 30
MIN_BYTES_PER_SECOND = 500
# After an error response the server reads and drops the rest of the body, within these limits.
# Closing at once would send a TCP reset, and the client would not see the response.
DISCARD_BYTES = 1_000_000_000
DISCARD_SECONDS = 30
DISCARD_PAUSE_SECONDS = 5  # close after this long without data

logger = structlog.get_logger(__name__)


def max_body_size(size: int):
    """Decorator: the view takes request bodies of up to ``size`` bytes instead of MAX_BODY_SIZE.

    On a class-based view: ``@method_decorator(max_body_size(50_000_000), name="dispatch")``.
    """

    def set_limit(view):
        view.max_body_size = size
        return view

    return set_limit


def max_body_size_of(path: str) -> int:
    """Return the maximum size of a request body, in bytes, for a path without its query string."""
    return getattr(view_of(path), "max_body_size", settings.MAX_BODY_SIZE)


def view_of(path: str) -> Callable | None:
    """ROOT_URLCONF's view, or None; middleware may set ``request.urlconf`` later."""
    return find_view(path, settings.ROOT_URLCONF)


@lru_cache(1000)  # resolving a path takes 1 % of a page's CPU time
def find_view(path: str, urlconf: str) -> Callable | None:
    try:
        return resolve(path, urlconf).func
    except Resolver404:
        return None


class ErrorResponse:
    """A response that the server sends itself, without calling Django, and then closes."""

    def __init__(self, status: HTTPStatus, text: str, *headers: tuple[bytes, bytes]):
        self.status, self.body = status, f"{text}\n".encode()
        self.headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(self.body)),
            (b"connection", b"close"),
            (b"x-content-type-options", b"nosniff"),
            *headers,
        ]

    @property
    def message(self) -> bytes:
        """The whole response, as HTTP/1.1."""
        status_line = f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n".encode()
        headers = b"".join(b"%s: %s\r\n" % header for header in self.headers)
        return status_line + headers + b"\r\n" + self.body

    def log(self, path: str) -> None:
        """Log it; paas/logs.py lets one line in ten seconds through."""
        logger.warning("request refused", status=self.status.value, path=path)


TOO_LARGE = ErrorResponse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "This request is too large.")
OVERLOADED = ErrorResponse(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "This site is busy. Please try again in a few seconds.",
    (b"retry-after", b"%d" % RETRY_AFTER_SECONDS),
)


BAD_REQUEST = ErrorResponse(HTTPStatus.BAD_REQUEST, "This request is not valid HTTP/1.1.")
HEAD_TOO_LARGE = ErrorResponse(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers of this request are too large."
)


def log_full(connections: int) -> None:
    """Log that the server drops idle or incomplete requests, as it has no room for more."""
    logger.warning("connections dropped for new ones", connections=connections)


class ReceivedRequest:
    """A request of which the server has received a part."""

    def __init__(self):
        self.began_at = self.received_at = time.monotonic()
        self.size = 0

    def add(self, size: int) -> None:
        """Count ``size`` bytes that have been received."""
        self.received_at = time.monotonic()
        self.size += size

    @property
    def seconds_left(self) -> float:
        """Seconds until the server drops the request if it receives nothing more; at least 0."""
        pause_ends_at = self.received_at + RECEIVE_PAUSE_SECONDS
        too_slow_at = self.began_at + RECEIVE_SECONDS + self.size / MIN_BYTES_PER_SECOND
        return max(min(pause_ends_at, too_slow_at) - time.monotonic(), 0)


class DiscardedBody:
    """The rest of a request body, which the server reads and drops."""

    def __init__(self):
        self.size = 0
        self.ends_at = time.monotonic() + DISCARD_SECONDS

    def add(self, size: int) -> bool:
        """Count ``size`` bytes; return whether to keep reading."""
        self.size += size
        return self.size < DISCARD_BYTES and time.monotonic() < self.ends_at


def set_send_timeout(listener: socket.socket) -> None:
    """Have the kernel close connections whose client accepts no data for SEND_TIMEOUT seconds.

    Connections inherit TCP_USER_TIMEOUT from the listening socket. It also covers data in the
    kernel's send buffer, after the server is done with the response. Linux only.
    """
    if sys.platform == "linux":
        milliseconds = settings.SEND_TIMEOUT * 1000
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
