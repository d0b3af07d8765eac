"""Clients that send large bodies, or bodies that never end."""

import asyncio
import re
import select
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain

from rehearsal.site import Site

PIECE = bytes(65536)
BOUNDARY = b"a-line-between-parts"
FILE_HEAD = b"--%b\r\nContent-Disposition: form-data; name=file; filename=file\r\n\r\n" % BOUNDARY
FILE_END = b"\r\n--%b--\r\n" % BOUNDARY


@dataclass
class Upload:
    """A body of ``size`` bytes: a form with a file if it is ``multipart``. It is ``chunked``, or
    has a Content-Length.
    """

    size: int
    multipart: bool = False
    chunked: bool = False

    def head(self, site: Site, path: str) -> bytes:
        form = f"multipart/form-data; boundary={BOUNDARY.decode()}"
        length = "Transfer-Encoding: chunked" if self.chunked else f"Content-Length: {self.size}"
        lines = [
            f"POST {path} HTTP/1.1",
            f"Host: {site.platform.host}",
            "X-Forwarded-Proto: https",
            f"Content-Type: {form if self.multipart else 'application/octet-stream'}",
            length,
        ]
        return "\r\n".join([*lines, "\r\n"]).encode()

    @property
    def file_size(self) -> int:
        """Of the file in the form; without a form, of the body."""
        return self.size - (len(FILE_HEAD) + len(FILE_END) if self.multipart else 0)

    def pieces(self) -> Iterator[bytes]:
        """The body, as it goes over the wire."""
        head, end = (FILE_HEAD, FILE_END) if self.multipart else (b"", b"")
        whole, rest = divmod(self.file_size, len(PIECE))
        for piece in filter(None, [head, *[PIECE] * whole, PIECE[:rest], end]):
            yield b"%x\r\n%b\r\n" % (len(piece), piece) if self.chunked else piece
        if self.chunked:
            yield b"0\r\n\r\n"

    def send(self, site: Site, path: str) -> tuple[int | None, bytes]:
        return send(site, chain([self.head(site, path)], self.pieces()))


def send(site: Site, pieces: Iterable[bytes], seconds: float = 60) -> tuple[int | None, bytes]:
    """Send them, and stop once there is an answer: its status, None without one, and its body."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=seconds) as connection:
        with suppress(OSError):  # the server has closed it, and may have answered before
            for piece in pieces:
                if select.select([connection], [], [], 0)[0]:
                    break
                connection.sendall(piece)
        return read_answer(connection)


def read_answer(connection: socket.socket) -> tuple[int | None, bytes]:
    data, length = b"", re.compile(rb"(?i)\r\ncontent-length: (\d+)\r\n")
    with suppress(OSError):
        while piece := connection.recv(65536):
            data += piece
            head, _, body = data.partition(b"\r\n\r\n")
            if (found := length.search(head + b"\r\n")) and len(body) >= int(found[1]):
                break
    head, _, body = data.partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1.1 (\d+)", head)
    return (int(status[1]), body) if status else (None, data)


async def send_slowly(site: Site, head: bytes, until: asyncio.Event) -> None:
    """Send ``head`` at once, and then a byte every half a second, whatever is answered."""
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(head)
    while not until.is_set():
        await asyncio.sleep(0.5)
        writer.write(b"a")
    writer.transport.abort()
