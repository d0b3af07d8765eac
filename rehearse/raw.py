"""An HTTP client on a bare socket: it sends any bytes, and reads responses or does not."""

import select
import socket
from collections.abc import Iterable
from contextlib import suppress
from http.client import parse_headers
from typing import NamedTuple

from rehearse.web import Web


def request(
    site: Web, path: str, method: str = "GET", body: bytes = b"", /, **headers: str
) -> bytes:
    """A request, with a Content-Length if it has a body; ``_`` in a header's name becomes ``-``."""
    given = {"Host": site.platform.host, "X-Forwarded-Proto": "https"} | headers
    if body:
        given["Content-Length"] = str(len(body))
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode() + body


class Response(NamedTuple):
    """``headers`` have lowercase names."""

    status: int
    headers: dict[str, str]
    body: bytes


class Raw:
    """A connection, to be entered or closed; no read or write takes longer than ``seconds``.

    ``receive_buffer`` is about how many bytes of a response the kernel accepts while none is read.
    """

    def __init__(self, site: Web, receive_buffer: int = 0, seconds: float = 60):
        self.site, self.socket = site, socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(seconds)
        self.socket.connect(("127.0.0.1", site.port))
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def send(self, path: str, method: str = "GET", body: bytes = b"", /, **headers: str) -> None:
        self.socket.sendall(request(self.site, path, method, body, **headers))

    def send_until_answered(self, pieces: Iterable[bytes]) -> Response | None:
        """Send pieces until there is a response, and return it; None if there is none."""
        # The server may close the connection before, once it has answered.
        with suppress(OSError):
            for piece in pieces:
                if self.has_answer():
                    break
                self.socket.sendall(piece)
        with suppress(OSError):
            return self.read()
        return None

    def has_answer(self) -> bool:
        """Whether a response, or the end of the connection, has come."""
        return bool(select.select([self.socket], [], [], 0)[0])

    def read_head(self) -> tuple[int, dict[str, str]]:
        """The status and the headers; raises ConnectionError if there is no response."""
        first = self.file.readline().split()
        if len(first) < 2:
            raise ConnectionError("closed without a response")
        headers = parse_headers(self.file)
        return int(first[1]), {name.lower(): value for name, value in headers.items()}

    def read(self) -> Response:
        status, headers = self.read_head()
        if "content-length" in headers:
            body = self.file.read(int(headers["content-length"]))
        elif "transfer-encoding" in headers:
            body = b"".join(self.chunks())
        else:
            body = self.file.read()
        return Response(status, headers, body)

    def chunks(self) -> Iterable[bytes]:
        """The chunks of a body; ends early, without an error, if the connection does."""
        while size := int(self.file.readline() or b"0", 16):
            yield self.file.read(size)
            self.file.readline()
        self.file.readline()
