"""The ASGI handler: its threads, disconnects, streams and limits."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from io import BytesIO

import pytest
from asgiref.sync import sync_to_async
from django.conf.urls.i18n import i18n_patterns
from django.core.signals import request_finished, request_started
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from example.asgi_client import read_parts, read_response, start
from example.waiting import TIMEOUT, until
from paas.asgi.handler import ASGIHandler
from paas.asgi.shutdown import GracefulShutdown
from paas.limits import max_body_size


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


async def wait_for_ever(request):
    request.scope["gate"].entered.append(request.path)
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.01)
        request.scope["gate"].left.append(request.path)


async def run_on(request):
    """Start a task that outlives the response."""

    async def name_thread() -> str:
        await request.scope["may go on"].wait()
        return await sync_to_async(lambda: threading.current_thread().name)()

    request.scope["tasks"].append(asyncio.create_task(name_thread()))
    return HttpResponse()


async def events(request):
    async def parts() -> AsyncIterator[str]:
        try:
            yield "data: 1\n\n"
            await asyncio.Event().wait()
        finally:
            request.scope["gate"].left.append(request.path)

    return StreamingHttpResponse(parts(), content_type="text/event-stream; charset=utf-8")


def synchronous_events(request):
    def parts() -> Iterator[str]:
        yield "data: 1\n\n"
        request.scope["gate"].pass_through(request)

    return StreamingHttpResponse(parts(), content_type="text/event-stream")


def numbers(request):
    return StreamingHttpResponse(f"{number}\n" for number in range(1000))


async def download(request):
    async def parts() -> AsyncIterator[str]:
        yield "begin"
        await request.scope["may go on"].wait()
        yield "end"

    return StreamingHttpResponse(parts())


@csrf_exempt
@max_body_size(100)
def small(request):
    return HttpResponse(str(len(request.read())))


class File(BytesIO):
    """``threads`` are those that read and close it."""

    def __init__(self, content: bytes):
        super().__init__(content)
        self.threads: set[threading.Thread] = set()

    def read(self, size=-1):
        self.threads.add(threading.current_thread())
        return super().read(size)

    def close(self):
        self.threads.add(threading.current_thread())
        super().close()


def file(request):
    return FileResponse(request.scope["file"])


# What note() was called for, and its thread, in their order.
NOTES: list[tuple[str, threading.Thread]] = []


def note(what: str) -> None:
    NOTES.append((what, threading.current_thread()))


def noted(request):
    note("view")
    time.sleep(0.01)  # so that requests overlap
    return HttpResponse()


def choose_urlconf(get_response):
    """Middleware that chooses another URLconf, as for a host name."""

    def middleware(request):
        if request.path == "/late/":
            request.urlconf = Late
        return get_response(request)

    return middleware


class Late:
    urlpatterns = [path("late/", wait_for_ever)]


urlpatterns = [
    *i18n_patterns(path("translated/", wait_for_ever)),
    path("noted/", noted),
    path("gate/<int:number>/", wait_at_gate),
    path("for-ever/", wait_for_ever),
    path("run-on/", run_on),
    path("events/", events),
    path("numbers/", numbers),
    path("synchronous-events/", synchronous_events),
    path("download/", download),
    path("file/", file),
    path("small/", small),
]


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
async def handler(settings):
    """A handler with one page thread."""
    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["*"]
    settings.WEB_THREADS = 1
    yield ASGIHandler()


@pytest.fixture
async def application(handler):
    """At the end it waits until all requests and tasks have ended."""
    application = GracefulShutdown(handler)
    yield application
    await until(lambda: not application.calls and len(asyncio.all_tasks()) == 1)


@pytest.fixture
def send_request(application, gate):
    """A function that sends a request, and returns the communicator that receives the response."""

    def send(path: str, *bodies: bytes, scope: dict | None = None, **options):
        return start(application, path, *bodies, scope={"gate": gate} | (scope or {}), **options)

    return send


async def test_a_queued_request_is_dropped_if_its_client_disconnects(send_request, handler, gate):
    first, second = send_request("/gate/1/"), send_request("/gate/2/")
    await until(lambda: gate.entered == ["/gate/1/"])
    await second.send_input({"type": "http.disconnect"})
    await second.wait(TIMEOUT)
    gate.opened.set()
    assert await read_response(first) == (200, b"passed")
    assert await read_response(send_request("/gate/3/")) == (200, b"passed")
    assert gate.entered == ["/gate/1/", "/gate/3/"]
    assert not handler.pages.waiting


async def test_requests_beyond_the_queue_are_rejected_at_once(
    send_request, gate, settings, events, monkeypatch
):
    (rate_limit,) = logging.getLogger("paas.limits").filters
    monkeypatch.setattr(rate_limit, "silent_until", 0.0)
    settings.MAX_QUEUED_REQUESTS = 1
    served = [send_request("/gate/1/")]
    await until(lambda: gate.entered)
    served.append(send_request("/gate/2/"))
    await asyncio.sleep(0)
    rejected = send_request("/gate/3/")
    start = await rejected.receive_output(TIMEOUT)
    assert (start["status"], dict(start["headers"])[b"retry-after"]) == (503, b"5")
    assert [event["path"] for event in events()] == ["/gate/3/"]
    assert await read_response(send_request("/healthz")) == (200, b"ok")
    gate.opened.set()
    assert [await read_response(one) for one in served] == [(200, b"passed")] * 2
    assert await read_response(send_request("/gate/4/")) == (200, b"passed")


@pytest.fixture
def more_middleware(settings):
    locale = "django.middleware.locale.LocaleMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, locale, f"{__name__}.choose_urlconf"]


@pytest.mark.parametrize(
    ("root_path", "path"),
    [
        ("", "/for-ever/"),
        ("/app", "/app/for-ever/"),
        # The path does not tell that these are async.
        ("", "/late/"),
        ("", "/de/translated/"),
        ("", "/en/translated/"),
    ],
)
async def test_an_async_view_holds_no_thread_while_it_waits(
    more_middleware, send_request, gate, root_path, path
):
    waiting = [send_request(path, scope={"root_path": root_path}) for _ in range(12)]
    await until(lambda: gate.entered == [path] * 12)
    gate.opened.set()
    assert await read_response(send_request("/gate/1/")) == (200, b"passed")
    for one in waiting:
        await one.send_input({"type": "http.disconnect"})
        await one.wait(TIMEOUT)
    assert gate.left.count(path) == 12


@pytest.fixture
def noted_signals():
    def started(**kwargs):
        note("started")

    def finished(**kwargs):
        note("finished")

    NOTES.clear()
    request_started.connect(started)
    request_finished.connect(finished)
    yield
    request_started.disconnect(started)
    request_finished.disconnect(finished)


async def test_a_page_has_a_thread_for_itself_from_its_first_signal_to_its_last(
    noted_signals, send_request, handler
):
    handler.pages.size = 3
    requests = [send_request("/noted/") for _ in range(9)]
    assert [(await read_response(one))[0] for one in requests] == [200] * 9
    by_thread: dict[threading.Thread, list[str]] = {}
    for what, thread in NOTES:
        by_thread.setdefault(thread, []).append(what)
    assert len(by_thread) == 3
    assert len(NOTES) == 9 * 3
    for found in by_thread.values():
        assert found == ["started", "view", "finished"] * (len(found) // 3)


@pytest.mark.parametrize("path", ["numbers", "file", "download", "for-ever"])
async def test_each_request_begins_and_ends_once(send_request, gate, noted_signals, path):
    """At both, Django looks after the database connections."""
    may_go_on = asyncio.Event()
    may_go_on.set()
    scope = {"file": File(b"content"), "may go on": may_go_on}
    request = send_request(f"/{path}/", scope=scope)
    if path == "for-ever":
        await until(lambda: gate.entered)
        await request.send_input({"type": "http.disconnect"})
    await request.wait(TIMEOUT)
    assert [what for what, _ in NOTES] == ["started", "finished"]


@pytest.mark.parametrize("size", [100, 200_000])
async def test_a_file_is_sent_whole_and_read_and_closed_in_a_thread(send_request, size):
    content = b"0123456789" * (size // 10)
    file = File(content)
    request = send_request("/file/", scope={"file": file})
    assert await read_response(request) == (200, content)
    await request.wait(TIMEOUT)
    assert file.closed
    assert threading.main_thread() not in file.threads


async def test_a_stream_holds_no_thread_and_ends_at_a_disconnect_or_shutdown(
    send_request, application, gate
):
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
    await application.drain()
    end = await staying.receive_output(TIMEOUT)
    assert not end.get("body") and not end.get("more_body")
    assert gate.left.count("/events/") == 2


async def test_a_synchronous_stream_is_sent_in_blocks(send_request):
    request = send_request("/numbers/")
    await request.receive_output(TIMEOUT)
    parts = await read_parts(request)
    assert b"".join(parts) == b"".join(b"%d\n" % n for n in range(1000))
    assert len(parts) < 100


@pytest.mark.parametrize(
    ("bodies", "headers"),
    [
        ([], {"content_length": "101"}),
        ([b"x" * 101], {"content_length": "101"}),
        ([b"x" * 60, b"x" * 60, b"x"], {"transfer_encoding": "chunked"}),
    ],
)
@pytest.mark.parametrize("root_path", ["", "/app"])
async def test_a_body_beyond_the_limit_is_rejected(send_request, bodies, headers, root_path):
    path, below = f"{root_path}/small/", {"root_path": root_path}
    rejected = send_request(path, *bodies, scope=below, **headers)
    assert (await read_response(rejected))[0] == 413
    # The rest of the body has been read before the end of the response.
    assert rejected.input_queue.empty()
    await rejected.wait(TIMEOUT)
    assert rejected.output_queue.empty()
    accepted = send_request(path, b"x" * 100, scope=below, content_length="100")
    assert await read_response(accepted) == (200, b"100")


async def test_a_body_that_is_cut_short_reaches_no_view(send_request):
    request = send_request("/small/", b"x", complete=False, content_length="100")
    await request.send_input({"type": "http.disconnect"})
    await request.wait(TIMEOUT)
    assert request.output_queue.empty()


async def test_a_task_that_outlives_its_response_may_call_synchronous_code(send_request):
    may_go_on = asyncio.Event()
    tasks: list[asyncio.Task] = []
    request = send_request("/run-on/", scope={"may go on": may_go_on, "tasks": tasks})
    assert await read_response(request) == (200, b"")
    await request.wait(TIMEOUT)
    may_go_on.set()
    assert (await tasks[0]).startswith("request")


def test_synchronous_middleware_is_logged_at_start(settings, caplog):
    def slow_middleware(get_response):
        return get_response

    globals()["slow_middleware"] = slow_middleware
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.slow_middleware"]
    with caplog.at_level(logging.WARNING):
        ASGIHandler()
    assert f"{__name__}.slow_middleware is synchronous only" in caplog.text


async def test_a_synchronous_event_stream_is_sent_as_it_comes(send_request, gate):
    events = send_request("/synchronous-events/")
    await events.receive_output(TIMEOUT)
    assert (await events.receive_output(TIMEOUT))["body"] == b"data: 1\n\n"
    gate.opened.set()
    await read_parts(events)
