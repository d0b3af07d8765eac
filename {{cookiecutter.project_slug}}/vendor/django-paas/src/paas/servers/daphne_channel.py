"""Daphne's HTTP connections, with MAX_BODY_SIZE and back-pressure.

By itself Daphne stores a body of any size, and buffers all of a response that is not read.
"""

import asyncio
from urllib.parse import unquote

from daphne.http_protocol import HTTPFactory, WebRequest
from twisted.internet.protocol import connectionDone
from twisted.web import http

from paas.limits import (
    BAD_REQUEST,
    DISCARD_PAUSE_SECONDS,
    HEAD_TOO_LARGE,
    TOO_LARGE,
    DiscardedBody,
    ErrorResponse,
    ReceivedRequest,
    max_body_size_of,
)

# The platform's router keeps idle connections for 90 seconds: closing first would lose requests.
KEEP_ALIVE_SECONDS = 95
# int() raises an error that Twisted does not expect for more than 4,300.
MAX_LENGTH_DIGITS = 20


class Request(WebRequest):
    def __init__(self, channel, queued):
        # Django parses forms; Twisted would parse them too, in memory and on the event loop.
        super().__init__(channel, queued, parsePOSTFormSubmission=False)

    def handleContentChunk(self, data):
        """Called with each part of the body; a chunked one has no Content-Length to check."""
        if self.channel.discarded:
            return
        if self.content.tell() + len(data) > self.channel.body_limit:
            self.channel.send_error(TOO_LARGE)
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
        # The request that is incomplete.
        self.received: ReceivedRequest | None = None
        self.can_write = asyncio.Event()
        self.can_write.set()

    def request_path(self) -> str:
        """The path as Django will see it; ``Request.path`` is set only after the body."""
        target: bytes = getattr(self, "_path", b"")
        return unquote(target.partition(b"?")[0].decode("latin-1"))

    def dataReceived(self, data):
        self.received = self.received or ReceivedRequest()
        self.received.add(len(data))
        super().dataReceived(data)
        if self.received and not self.discarded:
            self.setTimeout(self.received.seconds_left)

    def allHeadersReceived(self):
        # self.length is 0 without a body, and None for a chunked one.
        if self.length != 0:
            self.body_limit = max_body_size_of(self.request_path())
        # Daphne decodes the subprotocols of a WebSocket as ASCII.
        protocols = self.requests[-1].requestHeaders.getRawHeaders(b"sec-websocket-protocol", [])
        if self.length and self.length > self.body_limit:
            self.send_error(TOO_LARGE)
        elif not all(map(bytes.isascii, protocols)):
            self.send_error(BAD_REQUEST)
        else:
            super().allHeadersReceived()

    def lineLengthExceeded(self, line):
        self.send_error(HEAD_TOO_LARGE)

    def _maybeChooseTransferDecoder(self, header, data):
        if header == b"Content-Length" and len(data) > MAX_LENGTH_DIGITS:
            return self._failChooseTransferDecoder()
        return super()._maybeChooseTransferDecoder(header, data)

    def _respondToBadRequestAndDisconnect(self):
        """Called for an invalid request; Twisted responds without headers, and resets."""
        is_large = self._receivedHeaderSize > self.totalHeadersSize
        is_long = self._receivedHeaderCount > self.maxHeaders
        self.send_error(HEAD_TOO_LARGE if is_large or is_long else BAD_REQUEST)

    def send_error(self, response: ErrorResponse) -> None:
        """Send ``response`` now, then read and drop the rest of the request."""
        response.log(self.request_path())
        self.discarded = DiscardedBody()
        self.setRawMode()
        self.write(response.message)
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
            return
        self.received = None
        # For after the response.
        self.setTimeout(KEEP_ALIVE_SECONDS)
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
        self.can_write.set()  # ends the wait in Server.handle_reply()
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
