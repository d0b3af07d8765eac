"""Graceful shutdown: after SIGTERM requests, streams and WebSockets end before the process does.

Uvicorn by itself stops accepting at once, Daphne drops what is in flight.
"""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from contextlib import suppress

from paas.asgi import daphne
from paas.asgi.close_codes import SERVER_STOPS, SERVICE_RESTART
from paas.asgi.streaming import EVENT_STREAM
from paas.checks import APPLICATION_PARTS

# Seconds from SIGTERM to the server's own stop. Heroku sends SIGKILL after 30.
SHUTDOWN_TIMEOUT = 25
# Keep accepting for this long: the router may still send requests.
ACCEPT_GRACE_SECONDS = 2

logger = logging.getLogger(__name__)


class GracefulShutdown:
    """ASGI application: ``application``, whose requests finish after SIGTERM.

    It takes the place of the server's handler of SIGTERM, and calls that one in the end. asgi.py has
    it outside of everything else.
    """

    def __init__(self, application):
        self.application = application
        self.is_listening = self.is_stopping = False
        self.calls: set[asyncio.Task] = set()
        # A timeout of each event stream, and send() of each WebSocket.
        self.streams: set[asyncio.Timeout] = set()
        self.sockets: set[Callable] = set()
        APPLICATION_PARTS.add("GracefulShutdown")
        daphne.set_up()

    async def __call__(self, scope, receive, send):
        self.listen()
        scope = daphne.without_root_path(scope)
        if scope["type"] == "http":
            # A task of its own: servers may cancel this call after a disconnect, but a view that has
            # begun runs to its end.
            await asyncio.shield(self.track(self.run_request(scope, receive, send)))
        elif scope["type"] == "websocket":
            self.sockets.add(send)
            try:
                await self.track(self.application(scope, receive, send))
            finally:
                self.sockets.discard(send)
        else:
            await self.application(scope, receive, send)

    def track(self, call) -> asyncio.Task:
        task = asyncio.ensure_future(call)
        self.calls.add(task)
        task.add_done_callback(self.calls.discard)
        return task

    async def run_request(self, scope, receive, send):
        """Run the application; when the process stops, end an event stream, so that clients reconnect."""
        send = daphne.with_back_pressure(scope, send)
        has_started = False

        async def watched_send(message):
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                headers = message.get("headers", [])
                if self.is_stopping:
                    message = message | {"headers": [*headers, (b"connection", b"close")]}
                if is_event_stream(headers):
                    self.streams.add(timeout)
            await send(message)

        try:
            async with asyncio.timeout(None) as timeout:  # expires when drain() reschedules it
                await self.application(scope, receive, watched_send)
        except Exception as error:
            if isinstance(error, TimeoutError) and timeout.expired():
                await send({"type": "http.response.body"})
            elif has_started and daphne.disconnect(scope.get("client")):
                logger.exception("Exception in a response that has begun")
            else:
                raise
        finally:
            self.streams.discard(timeout)

    def listen(self) -> None:
        """At the first call, when the server has set its handler of SIGTERM."""
        if self.is_listening or threading.current_thread() is not threading.main_thread():
            return
        self.is_listening = True
        stop_server, loop = signal.getsignal(signal.SIGTERM), asyncio.get_running_loop()
        if not callable(stop_server):  # there is none, as in tests
            return

        def on_sigterm(*arguments):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            loop.call_soon_threadsafe(begin, arguments)

        def begin(arguments):
            self.stopping = loop.create_task(self.stop(stop_server, *arguments))

        signal.signal(signal.SIGTERM, on_sigterm)

    async def stop(self, stop_server: Callable, *arguments) -> None:
        self.is_stopping = True
        await asyncio.sleep(ACCEPT_GRACE_SECONDS)
        await daphne.stop_accepting()
        await self.drain()
        stop_server(*arguments)

    async def drain(self) -> None:
        """Close WebSockets, end event streams, and wait for the requests that have begun."""
        deadline = SHUTDOWN_TIMEOUT - ACCEPT_GRACE_SECONDS
        begun = set(self.calls)
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline), asyncio.TaskGroup() as closing:
                while any(not call.done() for call in begun) or daphne.is_busy():
                    while self.sockets:
                        closing.create_task(close(self.sockets.pop()))
                    while self.streams:
                        self.streams.pop().reschedule(asyncio.get_running_loop().time())
                    await asyncio.sleep(0.05)


def is_event_stream(headers) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(EVENT_STREAM.encode())
        for name, value in headers
    )


async def close(send) -> None:
    # Daphne sends no code between 1001 and 2999.
    code = SERVER_STOPS if daphne.reactor() else SERVICE_RESTART
    # Exception: after a disconnect each server raises an error of its own.
    with suppress(Exception):
        await send({"type": "websocket.close", "code": code})
