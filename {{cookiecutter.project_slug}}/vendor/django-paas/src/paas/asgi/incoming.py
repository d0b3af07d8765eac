"""What a client sends: the body of a request, within its limit, and its disconnect."""

import asyncio
import time
from contextlib import suppress
from typing import Any

from paas.limits import DISCARD_BYTES, DISCARD_SECONDS, TOO_LARGE, ErrorResponse

DISCONNECT = {"type": "http.disconnect"}
# Seconds without data after which the rest of a rejected body is read no further.
DISCARD_PAUSE_SECONDS = 5


class Incoming:
    """The ``receive`` of a request whose body may have ``limit`` bytes.

    Above it, Django gets a disconnect, and ``error`` is set.
    """

    body: Any  # the file that handle() has read
    error: ErrorResponse | None = None
    is_complete = False
    left: asyncio.Task | None = None

    def __init__(self, scope, receive, limit: int):
        self.receive, self.limit, self.size = receive, limit, 0
        if content_length(scope) > limit:
            self.error = TOO_LARGE

    async def __call__(self):
        if self.error:
            return DISCONNECT
        if self.left:  # disconnected() has asked already
            return await asyncio.shield(self.left)
        message = await self.receive()
        self.size += len(message.get("body", b""))
        if self.size > self.limit:
            self.error = TOO_LARGE
            return DISCONNECT
        self.is_complete = not message.get("more_body", False)
        return message

    def disconnected(self) -> asyncio.Task:
        """Done once the client has disconnected. Only for use after the body has been read.

        One task for the whole request: servers may treat a cancelled receive() as a disconnect.
        """
        self.left = self.left or asyncio.ensure_future(self.receive())
        return self.left

    def close(self) -> None:
        if self.left:
            self.left.cancel()

    async def discard(self) -> None:
        """Read and drop the rest of the body."""
        size, deadline = 0, time.monotonic() + DISCARD_SECONDS
        with suppress(TimeoutError):
            while not self.is_complete and size < DISCARD_BYTES and time.monotonic() < deadline:
                async with asyncio.timeout(DISCARD_PAUSE_SECONDS):
                    message = await self.receive()
                size += len(message.get("body", b""))
                self.is_complete = not message.get("more_body", False)


def content_length(scope) -> int:
    """The Content-Length; 0 if there is none, or if it is no number, which Django reports."""
    value = dict(scope.get("headers", [])).get(b"content-length", b"0")
    return int(value.lstrip(b"0")[:20] or b"0") if value.isdigit() else 0
