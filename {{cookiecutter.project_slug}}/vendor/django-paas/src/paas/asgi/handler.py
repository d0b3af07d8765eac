"""Django's ASGI handler with limits, page threads, and a bound on database connections.

https://docs.djangoproject.com/en/stable/topics/async/ describes Django's own, which runs a synchronous
view and each of its middleware in about 20 calls to a thread of the request's own, with a database
connection of its own. Here one call does it, in one of a few threads that last.
"""

import asyncio
import logging
from functools import cached_property
from inspect import iscoroutinefunction
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.exceptions import RequestAborted
from django.core.handlers import asgi, base

from paas.asgi import streaming
from paas.asgi.checks import SYNC_ONLY_WARNING, sync_only_middleware
from paas.asgi.connections import ClosingExecutor, close_unused
from paas.asgi.incoming import Incoming
from paas.asgi.threads import PageThreads, RequestThread, Turns, current
from paas.checks import APPLICATION_PARTS
from paas.conf import settings
from paas.limits import OVERLOADED, ErrorResponse, view_of
from paas.site import health

logger = logging.getLogger(__name__)


class SyncHandler(base.BaseHandler):
    """The synchronous chain of middleware, for a page thread."""

    def __init__(self):
        super().__init__()
        self.load_middleware(is_async=False)

    def make_view_atomic(self, view):
        """Called just before the view. view_of() may have missed an async one."""
        view = super().make_view_atomic(view)
        if iscoroutinefunction(view):
            current.get().leave_pages()
        return view


class ASGIHandler(asgi.ASGIHandler):
    """ASGI application for HTTP.

    A synchronous view has one of ``settings.WEB_THREADS`` threads for itself, from the receivers of
    ``request_started`` to ``response.close()``. The response is sent after that, so that a client
    that reads slowly holds no thread. An async view runs as under Django's own handler.
    """

    def __init__(self):
        super().__init__()
        APPLICATION_PARTS.add("ASGIHandler")
        self.sync_handler  # noqa: B018 (load it now)
        for path in sync_only_middleware():
            logger.warning(SYNC_ONLY_WARNING, path)

    @cached_property
    def sync_handler(self) -> SyncHandler:
        return SyncHandler()

    @cached_property
    def pages(self) -> PageThreads:
        return PageThreads(settings.WEB_THREADS)

    @cached_property
    def turns(self) -> Turns:
        asyncio.get_running_loop().set_default_executor(ClosingExecutor())
        return Turns()

    async def __call__(self, scope, receive, send):
        path = path_info(scope)
        if scope["type"] == "http" and health.is_health_check(path):
            outgoing = Outgoing(send)
            await self.send_response(await health.respond_async(path), outgoing)
            await outgoing.flush()
        else:
            await super().__call__(scope, receive, send)

    async def handle(self, scope, receive, send):
        view = view_of(path_info(scope))
        limit = getattr(view, "max_body_size", settings.MAX_BODY_SIZE)
        incoming, outgoing = Incoming(scope, receive, limit), Outgoing(send)
        thread = None
        try:
            incoming.body = await super().read_body(incoming)
            thread = await self.thread_for(view, incoming)
            if thread:
                current.set(thread)
                # No __aexit__(): after it, a task that outlives the response could not
                # sync_to_async(). The context ends with Django's, in super().__call__().
                await ThreadSensitiveContext(executor=thread).__aenter__()
                await super().handle(scope, incoming, outgoing)
        except RequestAborted:
            pass
        finally:
            if thread:
                thread.end()
            incoming.close()
        await outgoing.flush()
        if incoming.error:
            await send_error(incoming.error, scope["path"], incoming, send)

    async def read_body(self, receive):
        # handle() has read it, unless someone calls this alone, as Django's own tests do.
        return receive.body if isinstance(receive, Incoming) else await super().read_body(receive)

    async def thread_for(self, view, incoming: Incoming) -> RequestThread | None:
        """The request's thread; None if too many others wait, or if its client leaves while it does."""
        is_async = iscoroutinefunction(view)
        thread, waiting = None, self.turns.waiting if is_async else len(self.pages.waiting)
        if waiting >= settings.MAX_QUEUED_REQUESTS:
            incoming.error = OVERLOADED
        elif is_async:
            thread = RequestThread()
            await self.turns.begin(thread)
        else:
            thread = await lend(self.pages, incoming)
        if not thread:
            incoming.body.close()
        return thread

    async def get_response_async(self, request):
        thread = current.get()
        if thread.pages:
            return await sync_to_async(self.respond_in_page_thread)(request, thread)
        response = await super().get_response_async(request)
        if response.streaming:
            thread.after_view(await sync_to_async(self.prepare_stream)(response))
        return response

    def respond_in_page_thread(self, request, thread: RequestThread):
        """Run middleware, view and template in one call."""
        response: Any = self.sync_handler.get_response(request)
        if response.streaming and (response.is_async or streaming.prepare(response)):
            thread.leave_pages()
        # After leave_pages(), here or in make_view_atomic(): connections are for the stream now.
        thread.has_responded = not thread.pages
        return response

    def prepare_stream(self, response) -> bool:
        """Returns whether the stream needs the connection of the async view that made it."""
        if not response.is_async:
            streaming.prepare(response)
        return close_unused()

    async def send_response(self, response, send):
        if not response.streaming:
            await super().send_response(response, send.keep)
            return

        async def send_and_yield(message):
            await send(message)
            # After a disconnect send() may return at once: a stream that never waits would keep the
            # event loop from ending it.
            await asyncio.sleep(0)

        try:
            await super().send_response(response, send_and_yield)
        except Exception:
            # handle() would leave it open: its files, and the receivers of request_finished.
            await sync_to_async(response.close)()
            raise


class Outgoing:
    """The ``send`` of a request, which keeps a response that is complete until it has a thread no more."""

    def __init__(self, send):
        self.send = send
        self.kept: list[dict] = []

    async def __call__(self, message):
        await self.send(message)

    async def keep(self, message) -> None:
        self.kept.append(message)

    async def flush(self) -> None:
        while self.kept:
            await self.send(self.kept.pop(0))


def path_info(scope) -> str:
    """``request.path_info``, which the URLconf resolves: the path without the script prefix."""
    return scope.get("path", "").removeprefix(asgi.get_script_prefix(scope).rstrip("/"))


async def lend(pages: PageThreads, incoming: Incoming) -> RequestThread | None:
    """A page thread, once one is free; None if the client leaves before."""
    lending = pages.lend()
    if not lending.done():
        left = incoming.disconnected()
        try:
            await asyncio.wait({lending, left}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            pages.cancel(lending)
            raise
        if not lending.done():
            pages.cancel(lending)
            return None
    return RequestThread(pages, lending.result())


async def send_error(response: ErrorResponse, path: str, incoming: Incoming, send) -> None:
    """Send the response, then read and drop the rest of the body."""
    response.log(path)
    headers = [(name.lower().encode(), value.encode()) for name, value in response.headers]
    start = {"type": "http.response.start", "status": response.status.value, "headers": headers}
    await send(start)
    # The last part, after which a server may close the connection, is empty.
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    await incoming.discard()
    await send({"type": "http.response.body"})
