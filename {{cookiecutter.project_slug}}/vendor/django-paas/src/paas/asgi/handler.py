"""Django's ASGI handler on a small thread pool that lives as long as the process.

Django's own handler starts a thread for each request and switches to it about twenty times. Its
database connections cannot persist, and a disconnect can leave one open. This handler runs

- a synchronous view, its middleware and its template: in one thread, in one call;
- an async view: on the event loop, and its synchronous parts in one of the same threads;
- a streaming response: on the event loop, so that no thread is held between two parts.

https://docs.djangoproject.com/en/6.1/topics/async/ describes Django's own.
"""

import asyncio
import logging
from inspect import iscoroutinefunction
from io import BytesIO
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.exceptions import RequestAborted
from django.core.handlers import asgi, base
from django.core.handlers.exception import response_for_exception
from django.core.signals import request_finished, request_started
from django.urls import set_script_prefix

from paas import health
from paas.asgi import shutdown, streaming
from paas.asgi.checks import SYNC_ONLY_WARNING, sync_only_middleware
from paas.asgi.request_body import RequestBody, path_info
from paas.asgi.threads import RequestExecutor, ThreadPool
from paas.conf import settings
from paas.limits import OVERLOADED, TOO_LARGE, ErrorResponse, view_of

logger = logging.getLogger(__name__)


class SyncHandler(base.BaseHandler):
    """The synchronous chain of middleware."""

    def __init__(self):
        super().__init__()
        self.load_middleware(is_async=False)


class ASGIHandler(asgi.ASGIHandler):
    """ASGI application for HTTP; ``settings.WEB_THREADS`` is the size of its thread pool."""

    def __init__(self):
        super().__init__()
        self.sync_handler = SyncHandler()
        self.threads = ThreadPool(settings.WEB_THREADS)
        self.queued: set[RequestExecutor] = set()
        self.respond_in_thread = sync_to_async(self.respond)
        for path in sync_only_middleware():
            logger.warning(SYNC_ONLY_WARNING, path)

    async def __call__(self, scope, receive, send):
        # A task of its own: servers cancel this call after a disconnect, but a view that has begun
        # must run to its end.
        request = asyncio.create_task(self.handle(scope, receive, send))
        shutdown.calls.add(request)
        request.add_done_callback(shutdown.calls.discard)
        await asyncio.shield(request)

    async def handle(self, scope, receive, send):
        if scope["path"] in health.PATHS:
            await self.handle_health_check(scope, send)
            return
        body = RequestBody(scope, receive)
        try:
            if not body.is_too_large:
                with await body.read() as file:
                    await self.handle_request(scope, file, body, send)
        except RequestAborted:
            pass
        finally:
            body.close()
        if body.is_too_large:
            await send_error(TOO_LARGE, scope, body, send)

    async def handle_health_check(self, scope, send):
        """Answer on the event loop: health checks wait for no thread."""
        request, response = self.create_request(scope, BytesIO())
        if request:
            request.probes = await finish_probes(scope["path"])  # type: ignore[attr-defined]
            response = self.sync_handler.get_response(request)
        await self.send_response(response, send)

    async def handle_request(self, scope, file, body: RequestBody, send):
        if len(self.queued) >= settings.MAX_QUEUED_REQUESTS:
            await send_error(OVERLOADED, scope, body, send)
            return
        # Counts as queued from here on, until a thread begins its first call.
        executor = RequestExecutor(self.threads, self.queued)
        try:
            # No __aexit__(): after it, tasks that outlive the response could not sync_to_async().
            await ThreadSensitiveContext(executor=executor).__aenter__()
            if iscoroutinefunction(view_of(path_info(scope))):
                await self.run_on_loop(scope, file, body, send)
                return
            if self.threads.is_busy():
                body.disconnected.add_done_callback(executor.abort)
            response = await self.respond_in_thread(scope, file)
        finally:
            self.queued.discard(executor)
        if response.streaming:
            await self.stream(response, body, send)
        else:
            await self.send_response(response, send)

    def respond(self, scope, body):
        """Return the response: complete, or ready to be streamed. Runs in a thread of the pool."""
        response: Any
        set_script_prefix(asgi.get_script_prefix(scope))
        request_started.send(sender=self.__class__, scope=scope)
        request, response = self.create_request(scope, body)
        if request:
            response = self.sync_handler.get_response(request)
        response = streaming.prepare(response)
        # close() sends request_finished, with this sender.
        response._handler_class = self.__class__
        if not response.streaming:
            response.close()
        return response

    async def run_on_loop(self, scope, file, body: RequestBody, send):
        """Run an async view and send its response, until the client disconnects."""
        set_script_prefix(asgi.get_script_prefix(scope))
        await request_started.asend(sender=self.__class__, scope=scope)
        request, response = self.create_request(scope, file)
        if request:
            try:
                response = await run_until(body.disconnected, self.run_get_response(request))
            except BaseException:
                # There is no response whose close() would do this.
                request.close()
                await request_finished.asend(sender=self.__class__)
                raise
        await self.stream(await sync_to_async(streaming.prepare)(response), body, send)

    async def stream(self, response, body: RequestBody, send):
        """Send the response until the client disconnects, and close it in any case."""

        async def send_and_yield(message):
            await send(message)
            # After a disconnect send() returns at once: a stream that never waits would keep the
            # event loop from ending it.
            await asyncio.sleep(0)

        try:
            await run_until(body.disconnected, self.send_response(response, send_and_yield))
        finally:
            await sync_to_async(response.close)()

    async def _get_response_async(self, request):
        # Django calls response_for_exception() with thread_sensitive=False, in threads whose
        # database connections are never closed. Call it in the request's thread.
        try:
            return await super()._get_response_async(request)  # type: ignore[misc]
        except Exception as error:  # noqa: BLE001 (as Django does)
            return await sync_to_async(response_for_exception)(request, error)

    async def send_response(self, response, send):
        if streaming.is_event_stream(response):
            await shutdown.run_until_shutdown(super().send_response(response, send), send)
        else:
            await super().send_response(response, send)


async def finish_probes(path: str) -> health.Probes:
    """health.wait_for_probes() on the event loop; empty unless the path is /readyz."""
    if path != health.READINESS_PATH:
        return {}
    probes = health.start_probes()
    finished = asyncio.gather(*map(asyncio.wrap_future, probes.values()), return_exceptions=True)
    await asyncio.wait({finished}, timeout=health.PROBE_TIMEOUT)
    return probes


async def run_until(disconnected: asyncio.Task, coroutine):
    """Return the coroutine's result. Raises RequestAborted if the client disconnects first."""
    work = asyncio.ensure_future(coroutine)
    await asyncio.wait({work, disconnected}, return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        return work.result()
    work.cancel()
    await asyncio.wait({work})  # unlike ``await work``, does not raise its CancelledError
    raise RequestAborted


async def send_error(response: ErrorResponse, scope, body: RequestBody, send) -> None:
    """Send the response, then read and drop the rest of the body."""
    response.log(scope["path"])
    start = {"type": "http.response.start", "status": response.status.value}
    await send({**start, "headers": response.headers})
    # The last part, after which a server may close the connection, is empty.
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    await body.discard()
    await send({"type": "http.response.body"})
