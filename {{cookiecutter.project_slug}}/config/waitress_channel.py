"""A client's connection to Waitress, which by itself holds a thread for whoever reads slowly, and
resets who still sends what it has refused.
"""

import errno
import time

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser

from config.limits import (
    DISCARD_PAUSE_SECONDS,
    TOO_LARGE,
    DiscardedBody,
    Refusal,
    body_limit,
)

# An incomplete request of which nothing came for so long will not be completed.
RECEIVE_TIMEOUT = 30
# Bytes of one line between chunks, or of the trailer; Waitress takes any number.
MAX_CHUNK_LINE = 65536
# Once the server stops, it waits so long for what a client may ask.
LINGER_SECONDS = 1

# The kernel's error after SEND_TIMEOUT, which Waitress would log with a traceback.
wasyncore._DISCONNECTED |= {errno.ETIMEDOUT}


class Parser(HTTPRequestParser):
    path = ""
    refusal: Refusal | None = None
    body_limit: int | None = None

    @property
    def django_path(self) -> str:
        """The path as Django will see it."""
        return "/" + self.path.encode("latin-1").decode(errors="replace").lstrip("/")

    def received(self, data: bytes) -> int:
        """Take data of a request, and return how much of it belongs to that."""
        consumed = super().received(data)
        # The receiver is there once a head was read that announces a body.
        if self.error or self.body_rcv is None:
            return consumed
        if self.body_limit is None:
            self.body_limit = body_limit(self.django_path)
        is_small = max(self.content_length, len(self.body_rcv)) <= self.body_limit
        if is_small and self.chunk_line_length() <= MAX_CHUNK_LINE:
            return consumed
        self.refusal, self.completed, self.expect_continue = TOO_LARGE, True, False
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

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # Waitress reads as much again from a temporary file for each try to send.
        self.sendbuf_len = 65536

    def received(self, data: bytes):
        if not self.discarded:
            return super().received(data)
        if not self.discarded.add(len(data)):
            self.will_close = True
        return True

    def readable(self) -> bool:
        return not self.will_close if self.discarded else super().readable()

    def refuse(self, refusal: Refusal) -> None:
        """Answer the first request without a thread, and take no other on this connection."""
        refusal.log(self.requests[0].django_path)
        for request in self.requests:
            request.close()
        self.requests = []
        with self.outbuf_lock:
            self.outbufs[-1].append(refusal.message)
            self.current_outbuf_count += len(refusal.message)
            self.total_outbufs_len += len(refusal.message)
        if refusal is TOO_LARGE:
            self.discarded = DiscardedBody()
        else:
            self.close_when_flushed = True
        self.server.pull_trigger()

    def service(self) -> None:
        """Called in a thread: answer the first request."""
        if self.server.stopped_at:
            # The answer says that it is the last one.
            self.requests[0].headers["CONNECTION"] = "close"
        super().service()

    def write_soon(self, data) -> int:
        # Waitress frees nothing of a buffer in memory before it begins another, as it does when
        # one holds as much as there may be in all.
        full = self.current_outbuf_count >= self.adj.outbuf_overflow
        if full and not self.outbufs[-1].overflowed:
            self.current_outbuf_count = self.adj.outbuf_high_watermark
        return super().write_soon(data)

    def unread_on_disk(self) -> int:
        """Bytes in temporary files; the files that views respond with do not count."""
        return sum(len(part) for part in [*self.outbufs] if getattr(part, "overflowed", False))

    def is_idle(self) -> bool:
        busy = self.requests or self.request or self.total_outbufs_len
        return not busy and time.time() - self.last_activity > LINGER_SECONDS

    def has_stalled(self, now: float) -> bool:
        """Whether the rest of a request will not come; ``now`` is of ``time.time()``."""
        pause = now - self.last_activity
        if self.discarded:
            return pause > DISCARD_PAUSE_SECONDS
        return bool(self.request and not self.requests and pause > RECEIVE_TIMEOUT)
