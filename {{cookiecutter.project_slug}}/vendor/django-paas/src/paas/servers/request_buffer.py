"""Requests that Gunicorn's WSGI worker reads whole before one of its threads takes them."""

from tempfile import SpooledTemporaryFile
from urllib.parse import unquote

from gunicorn.asgi.parser import ParseError, PythonProtocol
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from gunicorn.util import split_request_uri

from paas.limits import (
    BAD_REQUEST,
    HEAD_TOO_LARGE,
    MAX_HEAD_SIZE,
    MAX_IN_MEMORY,
    TOO_LARGE,
    ErrorResponse,
    ReceivedRequest,
    max_body_size_of,
)


class RequestRejected(Exception):
    """Send ``response`` and close the connection, as the body may be unread."""

    def __init__(self, response: ErrorResponse):
        super().__init__(response.status)
        self.response = response


class Body:
    """The body of a request; ``framer`` parses the head and the body, which goes to ``file``."""

    def __init__(self, path: str, config):
        self.file = SpooledTemporaryFile(MAX_IN_MEMORY)  # noqa: SIM115 (the next call needs it)
        self.limit = max_body_size_of(path)
        self.framer = PythonProtocol(
            on_headers_complete=self.check_length,
            on_body=self.store,
            limit_request_line=config.limit_request_line,
            limit_request_fields=config.limit_request_fields,
            limit_request_field_size=config.limit_request_field_size,
        )

    def feed(self, data: bytes | bytearray) -> None:
        try:
            self.framer.feed(data)
        except (ParseError, ValueError) as error:  # ValueError: a length of more than 4,300 digits
            raise RequestRejected(BAD_REQUEST) from error

    def check_length(self) -> bool:
        """Called after the headers; False makes PythonProtocol read the body."""
        if (self.framer.content_length or 0) > self.limit:
            raise RequestRejected(TOO_LARGE)
        return False

    def store(self, data: bytes) -> None:
        if self.file.tell() + len(data) > self.limit:
            raise RequestRejected(TOO_LARGE)
        self.file.write(data)

    def is_awaited(self) -> bool:
        """Whether the client waits for "100 Continue" before it sends the body."""
        expected = [value.lower() for name, value in self.framer.headers if name == b"expect"]
        return expected == [b"100-continue"] and self.framer.http_version >= (1, 1)


class RequestBuffer:
    """Turns the bytes that a client sends into requests, one at a time.

    The main loop feeds it; ThreadWorker.handle() then uses it, in a thread, as Gunicorn's parser.
    """

    def __init__(self, config, client):
        self.config, self.client = config, client
        self.received = bytearray()
        self.head = b""
        self.body: Body | None = None
        self.progress: ReceivedRequest | None = None

    def reset(self) -> None:
        """Forget the request, but not what the client has sent after it (pipelining)."""
        self.close()
        self.head, self.body, self.progress = b"", None, None

    def close(self) -> None:
        if self.body:
            self.body.file.close()

    @property
    def path(self) -> str:
        """The path of the request, decoded and without its query; "" if there is none."""
        target = self.head.partition(b" ")[2].partition(b" ")[0].decode("latin-1")
        try:
            return unquote(split_request_uri(target).path)
        except ValueError:
            return ""

    def feed(self, data: bytes) -> bool:
        """Add received bytes; True once the request is complete. Raises RequestRejected."""
        self.received += data
        if self.received:
            self.progress = self.progress or ReceivedRequest()
            self.progress.add(len(data))
        if not self.head and not self.find_head():
            return False
        if not self.body:
            return True
        self.body.feed(self.received)
        self.received[:] = self.body.framer.remaining()
        return self.body.framer.is_complete

    def find_head(self) -> bool:
        end = self.received.find(b"\r\n\r\n") + 4
        if end < 4:
            if len(self.received) > MAX_HEAD_SIZE:
                raise RequestRejected(HEAD_TOO_LARGE)
            return False
        self.head = bytes(self.received[:end])
        del self.received[:end]
        names = self.head.lower()
        # Most requests have no body, and need no second parser.
        if b"content-length" in names or b"transfer-encoding" in names:
            self.body = Body(self.path, self.config)
            self.body.feed(self.head)
        return True

    def __next__(self) -> Request:
        """Return the request. Raises Gunicorn's errors, which handle() turns into responses."""
        request = Request(self.config, IterUnreader([self.head]), self.client)
        # Else wsgi.create() sends "100 Continue", though the body has been read.
        request._expected_100_continue = False
        if self.body:
            if self.body.framer.is_chunked:
                # WSGIRequest reads no body without CONTENT_LENGTH.
                request.headers.append(("CONTENT-LENGTH", str(self.body.file.tell())))
            self.body.file.seek(0)
            request.body = self.body.file
        return request

    def finish_body(self, deadline: float) -> bool:
        """Called by Gunicorn after the response. True: no part of the body is unread."""
        return True
