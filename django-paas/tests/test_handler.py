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

# Seconds; enough on a busy machine.
TIMEOUT = 10


class Gate:
    """Blocks views until it is opened; ``entered`` and ``left`` list the paths of requests."""

    def __init__(self):
        self.opened = threading.Event()
        self.entered: list[str] = []
        self.left: list[str] = []

    def pass_through(self, request) -> None:
        self.entered.append(request.path)
        assert self.opened.wait(TIMEOUT)
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
    """A handler with one thread; at the end it waits until all requests have ended."""
    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["*"]
    settings.WEB_THREADS = 1
    yield ASGIHandler()
    await until(lambda: not shutdown.calls)


@pytest.fixture
def send_request(handler, gate):
    """A function that sends a request, and returns the communicator that receives the response."""

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
        assert communicator.future  # reading it starts the application
        return communicator

    return send


async def read_response(communicator) -> tuple[int, bytes]:
    """Return the status and the body."""
    start = await communicator.receive_output(TIMEOUT)
    body, more = b"", True
    while more:
        message = await communicator.receive_output(TIMEOUT)
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return start["status"], body


async def until(condition) -> None:
    async with asyncio.timeout(TIMEOUT):
        while not condition():
            await asyncio.sleep(0.001)


async def test_a_queued_request_is_dropped_if_its_client_disconnects(send_request, gate):
    first, second = send_request("/gate/1/"), send_request("/gate/2/")
    await until(lambda: gate.entered == ["/gate/1/"])
    await second.send_input({"type": "http.disconnect"})
    await second.wait(TIMEOUT)
    gate.opened.set()
    assert await read_response(first) == (200, b"passed")
    assert await read_response(send_request("/gate/3/")) == (200, b"passed")
    assert gate.entered == ["/gate/1/", "/gate/3/"]


@pytest.mark.parametrize("cancelled", [True, False])
async def test_a_view_that_has_started_runs_to_its_end(send_request, handler, gate, cancelled):
    request = send_request("/gate/1/")
    await until(lambda: gate.entered)
    if cancelled:  # as servers do, some time after a disconnect
        request.future.cancel()
    else:
        await request.send_input({"type": "http.disconnect"})
    gate.opened.set()
    await until(lambda: gate.left == ["/gate/1/"])
    await until(lambda: not shutdown.calls)


async def test_requests_beyond_the_queue_are_refused_at_once(send_request, gate, settings):
    settings.MAX_QUEUED_REQUESTS = 1
    served = [send_request("/gate/1/")]
    await until(lambda: gate.entered)
    served.append(send_request("/gate/2/"))
    await asyncio.sleep(0)
    refused = send_request("/gate/3/")
    start = await refused.receive_output(TIMEOUT)
    assert (start["status"], dict(start["headers"])[b"retry-after"]) == (503, b"5")
    assert await read_response(send_request("/healthz")) == (200, b"ok")
    gate.opened.set()
    assert [await read_response(one) for one in served] == [(200, b"passed")] * 2
    assert await read_response(send_request("/gate/4/")) == (200, b"passed")


async def test_an_async_view_holds_no_thread_while_it_waits(send_request, gate):
    waiting = [send_request("/for-ever/") for _ in range(3)]
    await until(lambda: len(gate.entered) == 3)
    gate.opened.set()
    assert await read_response(send_request("/gate/1/")) == (200, b"passed")
    for one in waiting:
        await one.send_input({"type": "http.disconnect"})
        await one.wait(TIMEOUT)
    assert gate.left.count("/for-ever/") == 3


async def test_the_synchronous_parts_of_a_request_share_one_thread(send_request, settings):
    settings.WEB_THREADS = 3
    status, names = await read_response(send_request("/threads/"))
    assert status == 200
    assert len(set(names.split())) == 1


async def test_a_stream_holds_no_thread_and_ends_at_a_disconnect_or_shutdown(send_request, gate):
    disconnecting, staying = send_request("/events/"), send_request("/events/")
    for stream in (disconnecting, staying):
        assert (await stream.receive_output(TIMEOUT))["status"] == 200
        event = await stream.receive_output(TIMEOUT)
        assert (event["body"], event["more_body"]) == (b"data: 1\n\n", True)
    gate.opened.set()
    assert await read_response(send_request("/gate/1/")) == (200, b"passed")
    await disconnecting.send_input({"type": "http.disconnect"})
    await disconnecting.wait(TIMEOUT)
    assert gate.left.count("/events/") == 1
    await shutdown.drain()
    end = await staying.receive_output(TIMEOUT)
    assert not end.get("body") and not end.get("more_body")
    assert gate.left.count("/events/") == 2


async def test_synchronous_streams_are_complete(send_request):
    assert await read_response(send_request("/numbers/")) == (
        200,
        b"".join(b"%d\n" % n for n in range(1000)),
    )
    assert await read_response(send_request("/file/")) == (200, Path(__file__).read_bytes())


@pytest.mark.parametrize(
    ("bodies", "headers"),
    [
        ([], {"content_length": "101"}),
        ([b"x" * 101], {"content_length": "101"}),
        ([b"x" * 60, b"x" * 60], {"transfer_encoding": "chunked"}),
    ],
)
async def test_a_body_beyond_the_limit_is_refused(send_request, bodies, headers):
    assert (await read_response(send_request("/small/", *bodies, **headers)))[0] == 413
    assert await read_response(send_request("/small/", b"x" * 100, content_length="100")) == (
        200,
        b"100",
    )


def test_synchronous_middleware_is_logged_at_start(settings, caplog):
    def slow_middleware(get_response):
        return get_response

    globals()["slow_middleware"] = slow_middleware
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.slow_middleware"]
    with caplog.at_level(logging.WARNING):
        ASGIHandler()
    assert f"{__name__}.slow_middleware is synchronous only" in caplog.text
