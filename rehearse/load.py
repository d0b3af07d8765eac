"""A client that takes little CPU and records how each request ended: for load and deployments."""

import asyncio
import enum
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

import h11


class Outcome(enum.StrEnum):
    """How a request ended; a response that is not HTTP counts as cut off."""

    COMPLETE = "complete"
    REFUSED = "no connection"
    CLOSED = "closed before the first byte"
    CUT_OFF = "cut off after the first byte"
    LATE = "not complete in time"
    NOT_SENT = "closed while idle, before the request arrived"


@dataclass
class Answer:
    """How a request ended, and as much of the response as came: ``status`` is None without a
    head; ``headers`` have lowercase names, and of one that is repeated the last value.
    """

    outcome: Outcome = Outcome.REFUSED
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)


def is_open(writer: asyncio.StreamWriter) -> bool:
    """Whether the other end is open, as the kernel knows; a busy event loop learns it later."""
    if writer.is_closing():
        return False
    connection = writer.get_extra_info("socket")
    # The first byte is the state, and 1 is ESTABLISHED:
    # https://man7.org/linux/man-pages/man7/tcp.7.html
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\x01"


class Client:
    """One keep-alive connection to 127.0.0.1, made when first needed and anew when it is gone.

    In: the port; the headers of every request, with ``Host`` among them; the seconds that an
    answer may take, connecting included. Close it at the end.
    """

    def __init__(self, port: int, headers: Mapping[str, str], seconds: float = 30):
        self.port, self.headers, self.seconds = port, list(headers.items()), seconds
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def get(self, path: str, answer: Answer | None = None) -> Answer:
        """Send one request, never a second time, and read its answer; no network error raises.

        An ``answer`` that is given is filled in as it comes, for those who follow a stream.
        """
        answer = Answer() if answer is None else answer
        try:
            async with asyncio.timeout(self.seconds):
                is_kept = await self._connect()
                # From here on the outcome is what it would be if the connection ended now.
                answer.outcome = Outcome.CLOSED
                self._writer.write(self._request(path))
                if is_kept and not is_open(self._writer):
                    answer.outcome = Outcome.NOT_SENT
                await self._read(answer)
        except TimeoutError:
            answer.outcome = Outcome.LATE
        except (OSError, h11.RemoteProtocolError):
            pass
        finally:
            self._keep_or_close()
        return answer

    def close(self) -> None:
        if self._writer:
            self._writer.transport.abort()
            self._writer = None

    async def _connect(self) -> bool:
        """Return whether the connection is one that was used before."""
        if self._writer and is_open(self._writer):
            return True
        self.close()  # the server closed it while idle: no request is lost
        self._http = h11.Connection(h11.CLIENT)
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
        return False

    def _request(self, path: str) -> bytes:
        request = h11.Request(method="GET", target=path, headers=self.headers)
        return self._http.send(request) + self._http.send(h11.EndOfMessage())

    async def _read(self, answer: Answer) -> None:
        while answer.outcome is not Outcome.COMPLETE:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                data = await self._reader.read(65536)
                answer.outcome = Outcome.CUT_OFF if data else answer.outcome
                self._http.receive_data(data)
            elif isinstance(event, h11.Response):
                answer.status = event.status_code
                answer.headers = {k.decode(): v.decode("latin-1") for k, v in event.headers}
            elif isinstance(event, h11.Data):
                answer.body += event.data
            elif isinstance(event, h11.EndOfMessage):
                answer.outcome = Outcome.COMPLETE

    def _keep_or_close(self) -> None:
        if self._writer and self._http.our_state is self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self.close()
