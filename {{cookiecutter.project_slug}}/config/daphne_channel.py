"""A client's connection to Daphne, which by itself stores a body of any size before it looks at it,
and takes a response faster than the client reads it.
"""

import asyncio
from urllib.parse import unquote

from daphne.http_protocol import HTTPFactory, WebRequest
from twisted.internet.protocol import connectionDone
from twisted.web import http

from config.limits import DISCARD_PAUSE_SECONDS, TOO_LARGE, DiscardedBody, body_limit

# The platform's router keeps idle connections for 90 seconds: closing first would lose requests.
KEEP_ALIVE_SECONDS = 95


class Request(WebRequest):
    def __init__(self, channel, queued):
        # Django parses forms; Twisted would do so as well, in memory and on the event loop.
        super().__init__(channel, queued, parsePOSTFormSubmission=False)

    def handleContentChunk(self, data):
        """Called with each part of the body; a chunked one says nowhere how large it will be."""
        if self.channel.discarded:
            return
        if self.content.tell() + len(data) > self.channel.body_limit:
            self.channel.refuse()
            self.content.close()
        else:
            super().handleContentChunk(data)

    def handle_exception(self, exception):
        """Called when the application has raised ``exception``, which Daphne logs."""
        if self._response_started:
            # An error page no longer fits: cut the response off, so that it does not look whole.
            self.channel.loseConnection()
        else:
            super().handle_exception(exception)


class Channel(http.HTTPChannel):
    """``can_write`` is set while the transport's buffer takes more of a response."""

    body_limit = 0

    def __init__(self):
        super().__init__()
        self.discarded: DiscardedBody | None = None
        self.can_write = asyncio.Event()
        self.can_write.set()

    def request_path(self) -> str:
        """The path as Django will see it: ``Request.path`` is not set before the body is there."""
        target: bytes = self._path  # type: ignore[assignment]  # Twisted has it as a Request
        return unquote(target.partition(b"?")[0].decode("latin-1"))

    def allHeadersReceived(self):
        # None is a chunked body.
        if self.length != 0:
            self.body_limit = body_limit(self.request_path())
        if self.length and self.length > self.body_limit:
            self.refuse()
        else:
            super().allHeadersReceived()

    def refuse(self) -> None:
        """Answer 413 now, and read on until the client has sent its body or given up."""
        TOO_LARGE.log(self.request_path())
        self.discarded = DiscardedBody()
        self.write(TOO_LARGE.message)
        # Seconds without data; Twisted's own is for keep-alive.
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
        self.can_write.set()
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
