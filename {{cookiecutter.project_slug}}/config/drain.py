"""Stopping without loss: what this process has under way, and how that ends well.

A server that is told to stop awaits ``finish()`` before it ends; see ``config/daphne.py`` and
``config/asgi_worker.py``.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

# Heroku kills a process 30 seconds after it told it to stop, App Platform after 120.
SECONDS = 25
# For so long a server still lets clients in, as the router may not know yet; and for so long again
# it waits for what those who came last have to ask.
LINGER_SECONDS = 1
# 1012 is "service restart": the page comes back, to the next process.
CLOSE = {"type": "websocket.close", "code": 1012}

calls: set[object] = set()
open_sockets: set[Callable] = set()


class Tracked:
    """ASGI middleware: keep account of every request and WebSocket of ``application``."""

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        call = object()
        calls.add(call)
        if scope["type"] == "websocket":
            open_sockets.add(send)
        try:
            await self.application(scope, receive, send)
        finally:
            calls.discard(call)
            open_sockets.discard(send)


async def finish() -> None:
    """Close every WebSocket, and wait for them and the requests to end; no longer than a server
    has that lingered before.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(SECONDS - 2 * LINGER_SECONDS), asyncio.TaskGroup() as closing:
            while calls:
                while open_sockets:
                    closing.create_task(close(open_sockets.pop()))
                await asyncio.sleep(0.05)


async def close(send) -> None:
    # The client may have left meanwhile, for which each server has errors of its own.
    with suppress(Exception):
        await send(CLOSE)
