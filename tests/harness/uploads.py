"""Large request bodies: chunked or with a Content-Length, as a form or as bytes."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from rehearse.raw import Raw, Response, request
from rehearse.web import Web

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

    def head(self, site: Web, path: str, **headers: str) -> bytes:
        form = f"multipart/form-data; boundary={BOUNDARY.decode()}"
        headers["Content_Type"] = form if self.multipart else "application/octet-stream"
        headers |= (
            {"Transfer_Encoding": "chunked"} if self.chunked else {"Content_Length": str(self.size)}
        )
        return request(site, path, "POST", **headers)

    @property
    def file_size(self) -> int:
        """Bytes of the file in the form; without a form, of the body."""
        return self.size - (len(FILE_HEAD) + len(FILE_END) if self.multipart else 0)

    def pieces(self) -> Iterator[bytes]:
        """The body, as it goes over the wire."""
        head, end = (FILE_HEAD, FILE_END) if self.multipart else (b"", b"")
        whole, rest = divmod(self.file_size, len(PIECE))
        for piece in filter(None, [head, *[PIECE] * whole, PIECE[:rest], end]):
            yield b"%x\r\n%b\r\n" % (len(piece), piece) if self.chunked else piece
        if self.chunked:
            yield b"0\r\n\r\n"

    def send(self, site: Web, path: str) -> Response | None:
        """The response; the body is sent until there is one."""
        with Raw(site) as client:
            return client.send_until_answered(chain([self.head(site, path)], self.pieces()))
