"""The platform's router: it ends TLS, and tells the process behind it about the visitor."""

import asyncio
from contextlib import suppress

from rehearsal.services import TLSProxy

# What a client says of these is thrown away, as the platforms do.
REPLACED = (b"x-forwarded-proto", b"connection")


class Router(TLSProxy):
    """A router in front of one web process; ``target_port`` may change when that is restarted.

    Every connection carries one request, or one WebSocket.
    """

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            target = await asyncio.open_connection("127.0.0.1", self.target_port)
        except (OSError, asyncio.IncompleteReadError):
            with suppress(OSError):
                writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        target[1].write(with_headers(head))
        await asyncio.gather(self._copy(reader, target[1]), self._copy(target[0], writer))


def with_headers(head: bytes) -> bytes:
    """The request's head as the process behind the router gets it."""
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    upgrade = any(line.lower().startswith(b"upgrade:") for line in lines)
    kept = [line for line in lines if line.partition(b":")[0].lower() not in REPLACED]
    kept.append(b"X-Forwarded-Proto: https")
    kept.append(b"Connection: Upgrade" if upgrade else b"Connection: close")
    return b"\r\n".join(kept) + b"\r\n\r\n"
