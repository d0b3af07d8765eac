"""Graceful shutdown: ends this process's requests, streams and WebSockets.

After SIGTERM the server (``paas/servers``) awaits ``drain()`` before it exits.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

# Seconds. Less than the platform waits between SIGTERM and SIGKILL.
SHUTDOWN_TIMEOUT = 25
# After SIGTERM keep accepting for this long, as the router may still send requests; then give the
# last connections as long to send theirs.
ACCEPT_GRACE_SECONDS = 1
# 1012 is "service restart": the page reconnects, to the new process.
CLOSE = {"type": "websocket.close", "code": 1012}

# Requests and WebSockets that have not ended; send() of each WebSocket; a timeout per event stream.
calls: set[object] = set()
open_sockets: set[Callable] = set()
streams: set[asyncio.Timeout] = set()


class TrackInFlight:
    """ASGI middleware: register every WebSocket of ``application`` while it is open."""

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
    """Await ``response``, which sends an endless body; at shutdown, cancel it and end the body."""
    try:
        async with asyncio.timeout(None) as stream:  # expires when drain() reschedules it
            streams.add(stream)
            await response
    except TimeoutError:
        if not stream.expired():
            raise
        await send({"type": "http.response.body"})
    finally:
        streams.discard(stream)


async def drain() -> None:
    """Close every WebSocket and event stream, and wait until these and all requests have ended.

    Servers call it after two times ACCEPT_GRACE_SECONDS, so it takes up to the rest of SHUTDOWN_TIMEOUT.
    """
    with suppress(TimeoutError):
        async with (
            asyncio.timeout(SHUTDOWN_TIMEOUT - 2 * ACCEPT_GRACE_SECONDS),
            asyncio.TaskGroup() as closing,
        ):
            while calls:
                while open_sockets:
                    closing.create_task(close(open_sockets.pop()))
                while streams:
                    streams.pop().reschedule(asyncio.get_running_loop().time())
                await asyncio.sleep(0.05)


async def close(send) -> None:
    # Exception: after a disconnect each server raises an error of its own.
    with suppress(Exception):
        await send(CLOSE)
