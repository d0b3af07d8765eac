"""The ASGI handler: its threads, disconnects, streams and limits."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from paas.asgi import shutdown
from paas.asgi.handler import ASGIHandler
from paas.limits import max_body_size

# Longer than anything takes, even on a busy machine.
PATIENCE_SECONDS = 10


class Gate:
    """Blocks views until it is opened; ``entered`` and ``left`` list the paths of requests."""

    def __init__(self):
        self.opened = threading.Event()
        self.entered: list[str] = []
        self.left: list[str] = []

    def pass_through(self, request) -> None:
        self.entered.append(request.path)
        assert self.opened.wait(PATIENCE_SECONDS)
        self.left.append(request.path)


def wait_at_gate(request, **kwargs):
    request.scope["gate"].pass_through(request)
    return HttpResponse("passed")


async def name_threads(request):
    names = [await sync_to_async(threading.get_ident)() for _ in range(3)]
    return HttpResponse(" ".join(map(str, names)))


async def wait_for_ever(request):
    request.scope["gate"].entered.append(request.path)
    try:
        await asyncio.Event().wait()
    finally:
        request.scope["gate"].left.append(request.path)


async def events(request):
    async def parts() -> AsyncIterator[str]:
        try:
            yield "data: 1\n\n"
            await asyncio.Event().wait()
        finally:
            request.scope["gate"].left.append(request.path)

    return StreamingHttpResponse(parts(), content_type="text/event-stream")


def numbers(request):
    return StreamingHttpResponse(f"{number}\n" for number in range(1000))


def file(request):
    return FileResponse(open(__file__, "rb"))  # noqa: PTH123 (the response closes it)


@csrf_exempt
@max_body_size(100)
def small(request):
    return HttpResponse(str(len(request.body)))


urlpatterns = [
    path("gate/<int:number>/", wait_at_gate),
    path("threads/", name_threads),
    path("for-ever/", wait_for_ever),
    path("events/", events),
    path("numbers/", numbers),
    path("file/", file),
    path("small/", small),
]


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
async def handler(settings):
    """A handler with one thread, whose requests have all ended when the test is over."""
    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["*"]
    settings.WEB_THREADS = 1
    yield ASGIHandler()
    await until(lambda: not shutdown.calls)


@pytest.fixture
def ask(handler, gate):
    """Send a request; returns the communicator that receives its response."""

    def send(path: str, *bodies: bytes, **headers: str) -> ApplicationCommunicator:
        scope = {
            "type": "http",
            "method": "POST" if bodies else "GET",
            "path": path,
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
            "gate": gate,
        }
        communicator = ApplicationCommunicator(handler, scope)
        for number, body in enumerate(bodies or [b""], start=1):
            message = {"type": "http.request", "body": body, "more_body": number < len(bodies)}
            communicator.input_queue.put_nowait(message)
        assert communicator.future  # which starts it
        return communicator

    return send


async def answer(communicator) -> tuple[int, bytes]:
    """The status and the body."""
    start = await communicator.receive_output(PATIENCE_SECONDS)
    body, more = b"", True
    while more:
        message = await communicator.receive_output(PATIENCE_SECONDS)
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return start["status"], body


async def until(condition) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.001)


async def test_a_queued_request_is_dropped_if_its_client_disconnects(ask, gate):
    first, second = ask("/gate/1/"), ask("/gate/2/")
    await until(lambda: gate.entered == ["/gate/1/"])
    await second.send_input({"type": "http.disconnect"})
    await second.wait(PATIENCE_SECONDS)
    gate.opened.set()
    assert await answer(first) == (200, b"passed")
    assert await answer(ask("/gate/3/")) == (200, b"passed")
    assert gate.entered == ["/gate/1/", "/gate/3/"]


@pytest.mark.parametrize("cancelled", [True, False])
async def test_a_view_that_has_started_runs_to_its_end(ask, handler, gate, cancelled):
    request = ask("/gate/1/")
    await until(lambda: gate.entered)
    if cancelled:  # as servers do, some time after a disconnect
        request.future.cancel()
    else:
        await request.send_input({"type": "http.disconnect"})
    gate.opened.set()
    await until(lambda: gate.left == ["/gate/1/"])
    await until(lambda: not shutdown.calls)


async def test_requests_beyond_the_queue_are_refused_at_once(ask, gate, settings):
    settings.MAX_QUEUED_REQUESTS = 1
    served = [ask("/gate/1/")]
    await until(lambda: gate.entered)
    served.append(ask("/gate/2/"))
    await asyncio.sleep(0)
    refused = ask("/gate/3/")
    start = await refused.receive_output(PATIENCE_SECONDS)
    assert (start["status"], dict(start["headers"])[b"retry-after"]) == (503, b"5")
    assert await answer(ask("/healthz")) == (200, b"ok")
    gate.opened.set()
    assert [await answer(one) for one in served] == [(200, b"passed")] * 2
    assert await answer(ask("/gate/4/")) == (200, b"passed")


async def test_an_async_view_holds_no_thread_while_it_waits(ask, gate):
    waiting = [ask("/for-ever/") for _ in range(3)]
    await until(lambda: len(gate.entered) == 3)
    gate.opened.set()
    assert await answer(ask("/gate/1/")) == (200, b"passed")
    for one in waiting:
        await one.send_input({"type": "http.disconnect"})
        await one.wait(PATIENCE_SECONDS)
    assert gate.left.count("/for-ever/") == 3


async def test_the_synchronous_parts_of_a_request_share_one_thread(ask, settings):
    settings.WEB_THREADS = 3
    status, names = await answer(ask("/threads/"))
    assert status == 200
    assert len(set(names.split())) == 1


async def test_a_stream_holds_no_thread_and_ends_at_a_disconnect_or_shutdown(ask, gate):
    left, stays = ask("/events/"), ask("/events/")
    for stream in (left, stays):
        assert (await stream.receive_output(PATIENCE_SECONDS))["status"] == 200
        event = await stream.receive_output(PATIENCE_SECONDS)
        assert (event["body"], event["more_body"]) == (b"data: 1\n\n", True)
    gate.opened.set()
    assert await answer(ask("/gate/1/")) == (200, b"passed")
    await left.send_input({"type": "http.disconnect"})
    await left.wait(PATIENCE_SECONDS)
    assert gate.left.count("/events/") == 1
    await shutdown.drain()
    end = await stays.receive_output(PATIENCE_SECONDS)
    assert not end.get("body") and not end.get("more_body")
    assert gate.left.count("/events/") == 2


async def test_synchronous_streams_are_complete(ask):
    assert await answer(ask("/numbers/")) == (200, b"".join(b"%d\n" % n for n in range(1000)))
    assert await answer(ask("/file/")) == (200, Path(__file__).read_bytes())


@pytest.mark.parametrize(
    ("bodies", "headers"),
    [
        ([], {"content_length": "101"}),
        ([b"x" * 101], {"content_length": "101"}),
        ([b"x" * 60, b"x" * 60], {"transfer_encoding": "chunked"}),
    ],
)
async def test_a_body_beyond_the_limit_is_refused(ask, bodies, headers):
    assert (await answer(ask("/small/", *bodies, **headers)))[0] == 413
    assert await answer(ask("/small/", b"x" * 100, content_length="100")) == (200, b"100")


def test_synchronous_middleware_is_logged_at_start(settings, caplog):
    def slow_middleware(get_response):
        return get_response

    globals()["slow_middleware"] = slow_middleware
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.slow_middleware"]
    with caplog.at_level(logging.WARNING):
        ASGIHandler()
    assert f"{__name__}.slow_middleware is synchronous only" in caplog.text
