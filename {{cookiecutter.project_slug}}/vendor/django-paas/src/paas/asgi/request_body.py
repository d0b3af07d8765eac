"""The body of a request under ASGI, and its limit."""

import asyncio
from contextlib import suppress
from functools import cached_property
from tempfile import SpooledTemporaryFile

from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import get_script_prefix

from paas.limits import DISCARD_PAUSE_SECONDS, MAX_IN_MEMORY, DiscardedBody, max_body_size_of


def path_info(scope) -> str:
    """``request.path_info``, which the URLconf resolves: the path without the script prefix."""
    return scope["path"].removeprefix(get_script_prefix(scope).rstrip("/"))


class RequestBody:
    """The body of a request; ``is_too_large`` is set once it exceeds ``max_body_size_of()``."""

    def __init__(self, scope, receive):
        headers = dict(scope["headers"])
        self._receive = receive
        self._bytes_left = float("inf")
        self._has_more = True
        # Our Daphne has stored it, within the limit: paas/servers/daphne_channel.py.
        self._stored = scope.get("paas.body")
        has_body = b"content-length" in headers or b"transfer-encoding" in headers
        if has_body and not self._stored:
            self._bytes_left = max_body_size_of(path_info(scope))
        self.is_too_large = int(headers.get(b"content-length", 0)) > self._bytes_left

    async def read(self):
        """Return the body, as a file. Raises RequestAborted after a disconnect or above the limit."""
        file = self._stored or SpooledTemporaryFile(MAX_IN_MEMORY)  # noqa: SIM115 (for the request)
        while self._has_more:
            # No variable: it would hold a part for as long as the next one takes.
            self._store(await self._receive(), file)
        file.seek(0)
        return file

    def _store(self, message, file) -> None:
        part = message.get("body", b"")
        self._has_more = message.get("more_body", False)
        self._bytes_left -= len(part)
        self.is_too_large = self._bytes_left < 0
        if self.is_too_large or message["type"] == "http.disconnect":
            file.close()
            raise RequestAborted
        file.write(part)

    @cached_property
    def disconnected(self) -> asyncio.Task:
        """Done once the client has disconnected. Only for use after the body has been read.

        One task for the whole request: servers may treat a cancelled ``receive()`` as a disconnect.
        """
        return asyncio.ensure_future(self._receive())

    def close(self) -> None:
        """Cancel the task that waits for a disconnect."""
        # Whether the cached_property was used: reading it would start the task.
        if "disconnected" in self.__dict__:
            self.disconnected.cancel()

    async def discard(self) -> None:
        """Read and drop the rest of the body, within the limits of ``DiscardedBody``."""
        discarded = DiscardedBody()
        with suppress(TimeoutError):
            while self._has_more:
                async with asyncio.timeout(DISCARD_PAUSE_SECONDS):
                    message = await self._receive()
                more = discarded.add(len(message.get("body", b"")))
                self._has_more = more and message.get("more_body", False)
