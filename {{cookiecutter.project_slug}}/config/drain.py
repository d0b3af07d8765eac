"""Graceful shutdown: the requests, streams and WebSockets of this process, and how they end.

A server that got SIGTERM awaits ``drain()`` before it ends: ``config/daphne.py``,
``config/asgi_worker.py``.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

# Heroku sends SIGKILL 30 seconds after SIGTERM, App Platform 120.
SECONDS = 25
# After SIGTERM a server accepts connections for this long, as the router may still send requests;
# then it gives the last connections as long to send theirs.
LINGER_SECONDS = 1
# 1012 is "service restart": the page comes back, to the next process.
CLOSE = {"type": "websocket.close", "code": 1012}

calls: set[object] = set()
open_sockets: set[Callable] = set()
streams: set[asyncio.Timeout] = set()


class Tracked:
    """ASGI middleware: keep account of every WebSocket of ``application``."""

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        call = object()
        calls.add(call)
        open_sockets.add(send)
        try:
            await self.application(scope, receive, send)
        finally:
            calls.discard(call)
            open_sockets.discard(send)


async def run_until_shutdown(response, send) -> None:
    """Await ``response``, which sends a response without end; at shutdown, end it in its place."""
    try:
        async with asyncio.timeout(None) as stream:
            streams.add(stream)
            await response
    except TimeoutError:
        if not stream.expired():
            raise
        await send({"type": "http.response.body"})
    finally:
        streams.discard(stream)


async def finish() -> None:
    """Close every WebSocket and stream of events, and wait for them and the requests to end; no
    longer than a server has that lingered before.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(SECONDS - 2 * LINGER_SECONDS), asyncio.TaskGroup() as closing:
            while calls:
                while open_sockets:
                    closing.create_task(close(open_sockets.pop()))
                while streams:
                    streams.pop().reschedule(asyncio.get_running_loop().time())
                await asyncio.sleep(0.05)


async def close(send) -> None:
    # The client may have left meanwhile, for which each server has errors of its own.
    with suppress(Exception):
        await send(CLOSE)
