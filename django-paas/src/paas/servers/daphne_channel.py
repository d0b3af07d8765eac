"""Daphne's HTTP connections, with MAX_BODY_SIZE and back-pressure.

By itself Daphne stores a body of any size, and buffers all of a response that is not read.
"""

import asyncio
from urllib.parse import unquote

from daphne.http_protocol import HTTPFactory, WebRequest
from twisted.internet.protocol import connectionDone
from twisted.web import http

from paas.limits import DISCARD_PAUSE_SECONDS, TOO_LARGE, DiscardedBody, max_body_size_of

# The platform's router keeps idle connections for 90 seconds: closing first would lose requests.
KEEP_ALIVE_SECONDS = 95


class Request(WebRequest):
    def __init__(self, channel, queued):
        # Django parses forms; Twisted would parse them too, in memory and on the event loop.
        super().__init__(channel, queued, parsePOSTFormSubmission=False)

    def handleContentChunk(self, data):
        """Called with each part of the body; a chunked one has no Content-Length to check."""
        if self.channel.discarded:
            return
        if self.content.tell() + len(data) > self.channel.body_limit:
            self.channel.send_error()
            self.content.close()
        else:
            super().handleContentChunk(data)

    def handle_exception(self, exception):
        """Called when the application has raised ``exception``, which Daphne logs."""
        if self._response_started:
            # Too late for an error page: close, so that the client sees an incomplete response.
            self.channel.loseConnection()
        else:
            super().handle_exception(exception)


class Channel(http.HTTPChannel):
    """A connection. ``can_write`` is set while the transport's buffer has room."""

    body_limit = 0

    def __init__(self):
        super().__init__()
        self.discarded: DiscardedBody | None = None
        self.can_write = asyncio.Event()
        self.can_write.set()

    def request_path(self) -> str:
        """The path as Django will see it; ``Request.path`` is set only after the body."""
        target: bytes = self._path  # type: ignore[assignment]  # wrong annotation in Twisted
        return unquote(target.partition(b"?")[0].decode("latin-1"))

    def allHeadersReceived(self):
        # self.length is 0 without a body, and None for a chunked one.
        if self.length != 0:
            self.body_limit = max_body_size_of(self.request_path())
        if self.length and self.length > self.body_limit:
            self.send_error()
        else:
            super().allHeadersReceived()

    def send_error(self) -> None:
        """Send 413 now, then read and drop the rest of the body."""
        TOO_LARGE.log(self.request_path())
        self.discarded = DiscardedBody()
        self.write(TOO_LARGE.message)
        # An idle timeout for the rest of the body; until here it was that of keep-alive.
        self.setTimeout(DISCARD_PAUSE_SECONDS)

    def rawDataReceived(self, data):
        if not self.discarded:
            super().rawDataReceived(data)
        elif not self.discarded.add(len(data)):
            self.loseConnection()

    def allContentReceived(self):
        if self.discarded:
            self.loseConnection()
        else:
            super().allContentReceived()

    def pauseProducing(self):
        """Called by the transport when its buffer is full."""
        super().pauseProducing()
        self.can_write.clear()

    def resumeProducing(self):
        """Called by the transport when its buffer is empty."""
        super().resumeProducing()
        self.can_write.set()

    def connectionLost(self, reason=connectionDone):
        self.can_write.set()  # ends the wait in Server.send_body()
        super().connectionLost(reason)


class Factory(HTTPFactory):
    protocol = Channel

    def __init__(self, server):
        super().__init__(server)
        self.timeOut = KEEP_ALIVE_SECONDS

    def buildProtocol(self, addr):
        channel = super().buildProtocol(addr)
        channel.requestFactory = Request
        return channel
