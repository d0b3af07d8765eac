"""Uvicorn's HTTP connections, with limits.

By itself Uvicorn waits without end for a first request and for the rest of one. It stores a head of
any size, and any number of requests that a client sends before the response to the first.
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from paas.limits import (
    BAD_REQUEST,
    DISCARD_PAUSE_SECONDS,
    HEAD_TOO_LARGE,
    MAX_HEAD_SIZE,
    MAX_IN_MEMORY,
    DiscardedBody,
    ErrorResponse,
    ReceivedRequest,
)

# The platform's router keeps idle connections for 90 seconds: closing first would lose requests.
KEEP_ALIVE_SECONDS = 95
# A header of a few bytes takes a hundred in memory. As Gunicorn's limit_request_fields.
MAX_HEADERS = 100
# Requests that wait for an earlier one's response. Routers send one at a time.
MAX_PIPELINED = 10


class RequestRejected(Exception):
    """Ends Uvicorn's parsing, which then calls send_400_response()."""


class Connection(HttpToolsProtocol):
    # Whether SIGTERM has come.
    is_stopping = False
    # The request that is incomplete.
    received: ReceivedRequest | None = None
    # Bytes received since it began, or since the last part of its body.
    head_size = 0
    error_response: ErrorResponse = BAD_REQUEST
    discarded: DiscardedBody | None = None

    def connection_made(self, transport):
        super().connection_made(transport)
        # asyncio reads up to 256 KB at once, of which Uvicorn would keep all that is of a body.
        transport.max_size = MAX_IN_MEMORY
        self.close_after(KEEP_ALIVE_SECONDS)

    def close_after(self, seconds: float) -> None:
        """Close the connection if the client sends nothing for ``seconds``."""
        self._unset_keepalive_if_required()  # data_received() calls it too
        handler = self.timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_later(seconds, handler)

    def data_received(self, data):
        if not self.discarded:
            self.parse(data)
        elif self.discarded.add(len(data)):
            self.close_after(DISCARD_PAUSE_SECONDS)
        else:
            self.transport.abort()

    def parse(self, data: bytes) -> None:
        self.received = self.received or ReceivedRequest()
        self.received.add(len(data))
        self.head_size += len(data)
        super().data_received(data)
        if self.discarded or self.transport.get_protocol() is not self:  # it is a WebSocket's
            return
        if self.received:
            self.close_after(self.received.seconds_left)
            if self.head_size > MAX_HEAD_SIZE:
                self.send_error(HEAD_TOO_LARGE)
        elif self.cycle and self.cycle.response_complete:
            # The response came before the end of the body, which has ended its timeout.
            self.close_after(KEEP_ALIVE_SECONDS)

    # Called by the parser.

    def on_message_begin(self):
        if len(self.pipeline) >= MAX_PIPELINED:
            raise RequestRejected
        super().on_message_begin()

    def on_header(self, name, value):
        super().on_header(name, value)
        if len(self.headers) > MAX_HEADERS:
            self.error_response = HEAD_TOO_LARGE
            raise RequestRejected

    def on_headers_complete(self):
        # The parts that were received may end with some of the body.
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if self.head_size > MAX_HEAD_SIZE and size > MAX_HEAD_SIZE:
            self.error_response = HEAD_TOO_LARGE
            raise RequestRejected
        self.head_size = 0
        super().on_headers_complete()
        if self.is_stopping and self.cycle:
            self.cycle.keep_alive = False

    def on_body(self, body):
        self.head_size = 0
        super().on_body(body)

    def on_message_complete(self):
        self.received, self.head_size = None, 0
        super().on_message_complete()

    def send_400_response(self, msg):
        """Called after an error in parse()."""
        self.send_error(self.error_response)

    def send_error(self, response: ErrorResponse) -> None:
        """Send ``response``, then read and drop what the client sends, until it disconnects."""
        if self.cycle and not self.cycle.response_complete:
            if self.cycle.response_started or self.pipeline or not self.cycle.more_body:
                self.transport.abort()
                return
            # The application waits for the rest of the body.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        response.log(self.url.decode("latin-1").partition("?")[0] if self.headers else "")
        self.discarded = DiscardedBody()
        del self.parser  # it holds the part of a header that came last
        self.transport.write(response.message)
        self.transport.write_eof()
        self.close_after(DISCARD_PAUSE_SECONDS)
