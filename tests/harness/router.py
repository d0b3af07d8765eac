"""The simulator's router, which here passes WebSockets on too."""

import asyncio

import h11

from rehearse import router
from rehearse.router import Peer


class Router(router.Router):
    async def _answer(self, visitor: Peer, request: h11.Request) -> None:
        if any(name == b"upgrade" for name, _ in request.headers):
            await self._tunnel(visitor, request)
        else:
            await super()._answer(visitor, request)

    async def _tunnel(self, visitor: Peer, request: h11.Request) -> None:
        """Forward a WebSocket's handshake, then all bytes in both directions."""
        try:
            process = await self._connect()
        except OSError:
            await self._send_error(visitor)
            return
        reader, writer = process.reader, process.writer
        # The one hop-by-hop header that has to arrive.
        routed = [*self._routed(request).headers, (b"Connection", b"Upgrade")]
        lines = [b"%s %s HTTP/1.1" % (request.method, request.target)]
        lines += [b"%s: %s" % header for header in routed]
        writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
        await asyncio.gather(self._copy(visitor.reader, writer), self._copy(reader, visitor.writer))
