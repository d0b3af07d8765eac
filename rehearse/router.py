"""The platform's router: it forwards visitors' requests to a web process and adds headers."""

import asyncio
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import h11

from rehearse.load import is_open
from rehearse.platforms import Platform
from rehearse.services import TLSProxy

# How long Heroku's router keeps an idle connection to a process.
IDLE_SECONDS = 90
VISITOR_ADDRESS = "203.0.113.7"
CONNECTION_HEADERS = (b"connection", b"keep-alive", b"proxy-connection")


class Peer:
    """One end of a connection: a visitor, for whom we play the SERVER, or a process (CLIENT)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, role: type):
        self.reader, self.writer = reader, writer
        self.http = h11.Connection(role)
        # The port of the process at this end, and when it was last used.
        self.port: int | None = None
        self.used_at = time.monotonic()

    async def receive(self, seconds: float | None = None):
        """The next h11 event from this end; TimeoutError after so many seconds without data."""
        while (event := self.http.next_event()) is h11.NEED_DATA:
            async with asyncio.timeout(seconds):
                self.http.receive_data(await self.reader.read(65536))
        return event

    async def send(self, event) -> None:
        self.writer.write(self.http.send(event))
        await self.writer.drain()

    async def pass_body(self, to: "Peer") -> None:
        """Send what is left of this end's message to the other."""
        event = None
        while not isinstance(event, h11.EndOfMessage):
            event = await self.receive()
            await to.send(event)

    def is_reusable(self) -> bool:
        """Whether a request and its response are complete, and the connection stays open."""
        with suppress(h11.LocalProtocolError):
            self.http.start_next_cycle()
            return is_open(self.writer)
        return False


class Router(TLSProxy):
    """The router of ``platform``, for visitors who use ``scheme``. It takes plain HTTP, as if TLS had
    ended before it, unless it has a ``certificate`` and its key.

    Requests go to the process at ``target_port``, which changes when a new process takes over.
    Connections to a process are kept and used again, as on the platforms, and no request is sent
    twice: if a process does not answer, or not in the platform's ``response_seconds``, the visitor
    gets a 503.
    """

    def __init__(
        self, platform: Platform, target_port: int, scheme: str = "https", *certificate: Path
    ):
        super().__init__(target_port, *certificate)
        self.platform, self.scheme = platform, scheme
        self._idle: defaultdict[int, list[Peer]] = defaultdict(list)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visitor = Peer(reader, writer, h11.SERVER)
        # The visitor disconnects, or does not send HTTP.
        with suppress(OSError, h11.ProtocolError):
            while isinstance(request := await visitor.receive(), h11.Request):
                await self._answer(visitor, request)
                if not visitor.is_reusable():
                    break
        writer.close()

    async def _answer(self, visitor: Peer, request: h11.Request) -> None:
        process = None
        try:
            process = await self._connect()
            await process.send(self._routed(request))
            await visitor.pass_body(process)
            response = await process.receive(self.platform.response_seconds)
            if not isinstance(response, h11.Response):
                raise h11.RemoteProtocolError(f"{response} is no response")
        except (OSError, h11.ProtocolError):
            if process:
                process.writer.close()
            await self._send_error(visitor)
            return
        headers = [pair for pair in response.headers if pair[0] not in CONNECTION_HEADERS]
        await visitor.send(h11.Response(status_code=response.status_code, headers=headers))
        await process.pass_body(visitor)
        if process.is_reusable():
            process.used_at = time.monotonic()
            self._idle[process.port].append(process)
        else:
            process.writer.close()

    async def _connect(self) -> Peer:
        return await self._connect_to(self.target_port)

    async def _connect_to(self, port: int) -> Peer:
        """A connection to the process: one that was used before, if there is any."""
        while self._idle[port]:
            process = self._idle[port].pop()
            is_fresh = time.monotonic() - process.used_at < IDLE_SECONDS
            if is_fresh and is_open(process.writer):
                return process
            process.writer.close()
        peer = Peer(*await asyncio.open_connection("127.0.0.1", port), h11.CLIENT)
        peer.port = port
        return peer

    async def _send_error(self, visitor: Peer) -> None:
        headers = [("Content-Length", "0"), ("Connection", "close")]
        await visitor.send(h11.Response(status_code=503, headers=headers))
        await visitor.send(h11.EndOfMessage())

    def _routed(self, request: h11.Request) -> h11.Request:
        """The request as the process gets it."""
        kept = [pair for pair in request.headers if pair[0] not in CONNECTION_HEADERS]
        headers = self.platform.routed(kept, VISITOR_ADDRESS, self.scheme)
        return h11.Request(method=request.method, target=request.target, headers=headers)
