"""Waitress' connections, with limits for slow clients and large bodies.

By itself Waitress holds a thread while a client reads slowly. After a 413 it closes at once, which
resets the connection of a client that still sends.
"""

import time
from tempfile import SpooledTemporaryFile

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser

from paas.limits import (
    BAD_REQUEST,
    DISCARD_PAUSE_SECONDS,
    MAX_IN_MEMORY,
    OVERLOADED,
    TOO_LARGE,
    DiscardedBody,
    ErrorResponse,
    ReceivedRequest,
    max_body_size_of,
)

# Bytes of a chunk-size line, or of the trailer; Waitress has no limit.
MAX_CHUNK_LINE = 65536
# After SIGTERM keep accepting for this long, then close connections that are idle this long.
ACCEPT_GRACE_SECONDS = 1


class Body(SpooledTemporaryFile):
    """Takes the place of Waitress' buffer, which holds 512 KB and makes four calls for each part."""

    size = 0

    def append(self, data: bytes) -> None:
        self.size += self.write(data)

    def __len__(self) -> int:
        return self.size

    def getfile(self) -> "Body":
        self.seek(0)
        return self


class Parser(HTTPRequestParser):
    path = ""
    error_response: ErrorResponse | None = None
    body_limit: int | None = None
    progress: ReceivedRequest | None = None

    @property
    def django_path(self) -> str:
        """The path as Django will see it."""
        return "/" + self.path.encode("latin-1").decode(errors="replace").lstrip("/")

    def received(self, data: bytes) -> int:
        """Parse ``data``, and return how many of its bytes belong to this request."""
        try:
            consumed = super().received(data)
        except ValueError:  # such as int() of more than 4,300 digits
            return self.reject(BAD_REQUEST, data)
        self.progress = self.progress or ReceivedRequest()
        self.progress.add(consumed)
        # body_rcv is set once the headers announce a body.
        if self.error or self.body_rcv is None:
            return consumed
        if self.body_limit is None:
            self.body_limit = max_body_size_of(self.django_path)
            self.body_rcv.buf = Body(MAX_IN_MEMORY)
        is_small = max(self.content_length, len(self.body_rcv)) <= self.body_limit
        if is_small and self.chunk_line_length() <= MAX_CHUNK_LINE:
            return consumed
        return self.reject(TOO_LARGE, data)

    def reject(self, response: ErrorResponse, data: bytes) -> int:
        # "Completed": Waitress passes the request on to Server.add_task(), which sends it.
        self.error_response, self.completed, self.expect_continue = response, True, False
        return len(data)

    def chunk_line_length(self) -> int:
        if not self.chunked:
            return 0
        return len(self.body_rcv.control_line) + len(self.body_rcv.trailer)


class Channel(HTTPChannel):
    parser_class = Parser
    requests: list[Parser]
    current_outbuf_count: int
    discarded: DiscardedBody | None = None
    is_sending = False

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # For each send() Waitress reads this many bytes from a temporary file.
        self.sendbuf_len = 65536

    def received(self, data: bytes):
        if not self.discarded:
            return super().received(data)
        if not self.discarded.add(len(data)):
            self.will_close = True
        return True

    def readable(self) -> bool:
        return not self.will_close if self.discarded else super().readable()

    def send_error(self, response: ErrorResponse) -> None:
        """Send ``response`` without a thread, and take no other request on this connection."""
        response.log(self.requests[0].django_path)
        for request in self.requests:
            request.close()
        self.requests = []
        with self.outbuf_lock:
            self.outbufs[-1].append(response.message)
            self.current_outbuf_count += len(response.message)
            self.total_outbufs_len += len(response.message)
        if response is OVERLOADED:
            self.close_when_flushed = True
        else:
            self.discarded = DiscardedBody()

    def service(self) -> None:
        """Called in a thread: answer the first request."""
        if self.server.stopped_at:
            # Has Waitress send "Connection: close".
            self.requests[0].headers["CONNECTION"] = "close"
        super().service()

    def _flush_exception(self, *args, **kwargs):
        self.is_sending = True
        try:
            return super()._flush_exception(*args, **kwargs)
        finally:
            self.is_sending = False

    def writable(self) -> bool:
        # While a thread sends, poll() would return at once, again and again, and could send nothing.
        # The thread wakes the loop if something is left.
        return not self.is_sending and super().writable()

    def write_soon(self, data) -> int:
        # Waitress frees a buffer in memory only after it has begun another, which it does at
        # outbuf_high_watermark. Have it do so at outbuf_overflow, before memory fills up.
        full = self.current_outbuf_count >= self.adj.outbuf_overflow
        if full and not self.outbufs[-1].overflowed:
            self.current_outbuf_count = self.adj.outbuf_high_watermark
        return super().write_soon(data)

    def resume_writing(self) -> None:
        """Wake the thread that waits in write_soon(), after outbuf_high_watermark has risen."""
        with self.outbuf_lock:
            self.outbuf_lock.notify()

    def unread_on_disk(self) -> int:
        """Bytes in temporary files; the files that views respond with do not count."""
        # A copy, as the thread appends to outbufs.
        return sum(len(part) for part in [*self.outbufs] if getattr(part, "overflowed", False))

    def is_idle(self) -> bool:
        busy = self.requests or self.request or self.total_outbufs_len
        return not busy and time.time() - self.last_activity > ACCEPT_GRACE_SECONDS

    def has_stalled(self, now: float) -> bool:
        """Whether a client has paused too long in a request; ``now`` is of ``time.time()``."""
        if self.discarded:
            return now - self.last_activity > DISCARD_PAUSE_SECONDS
        # While it does not read, we do not either.
        is_received = self.is_waiting() and not self.total_outbufs_len
        return is_received and self.age[0] and not self.request.progress.seconds_left

    def is_waiting(self) -> bool:
        """Whether it waits for its client to send a request, or to read a response."""
        return not self.requests

    @property
    def age(self) -> tuple[bool, float]:
        """Sorts connections that wait for the client: idle ones first, then the oldest request."""
        progress = self.request and self.request.progress
        return (True, progress.began_at) if progress else (False, self.last_activity)
