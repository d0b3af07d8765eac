"""The ASGI handler: its threads, disconnects, streams and limits."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from itertools import groupby

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.conf.urls.i18n import i18n_patterns
from django.core.signals import request_finished, request_started
from django.db import connection
from django.http import (
    FileResponse,
    HttpResponse,
    HttpResponseServerError,
    StreamingHttpResponse,
)
from django.urls import get_script_prefix, path, register_converter
from django.views.decorators.csrf import csrf_exempt

from example.waiting import TIMEOUT, until
from paas.asgi import incoming
from paas.asgi.handler import ASGIHandler
from paas.asgi.shutdown import GracefulShutdown
from paas.asgi.threads import RequestThread, current
from paas.limits import max_body_size
from paas.site import health

# Of a stream; more than are sent before a disconnect is noticed.
PARTS = 1000


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
        await asyncio.sleep(0.01)
        request.scope["gate"].left.append(request.path)


async def run_on(request):
    """Start a task that outlives the response."""

    async def name_thread() -> str:
        await request.scope["may go on"].wait()
        return await sync_to_async(lambda: threading.current_thread().name)()

    request.scope["tasks"].append(asyncio.create_task(name_thread()))
    return HttpResponse()


async def fail(request):
    raise RuntimeError


def handler500(request):
    return HttpResponseServerError(threading.current_thread().name)


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


def slow_numbers(request):
    def parts() -> Iterator[str]:
        for number in range(3):
            yield f"{number}\n"
            time.sleep(0.1)

    return StreamingHttpResponse(parts())


def numbers_in_transaction(request):
    def parts() -> Iterator[str]:
        connection.in_atomic_block = True  # as in transaction.atomic()
        request.scope["gate"].entered.append(request.path)
        for number in range(2):
            time.sleep(0.1)
            yield f"{number}\n"
        connection.in_atomic_block = False

    return StreamingHttpResponse(parts())


async def without_a_pause(request):
    async def parts() -> AsyncIterator[str]:
        for number in range(PARTS):
            request.scope["parts"].append(number)
            yield "part"

    return StreamingHttpResponse(parts())


def is_in_transaction(request):
    return HttpResponse(str(connection.in_atomic_block))


async def download(request):
    async def parts() -> AsyncIterator[str]:
        yield "begin"
        await request.scope["may go on"].wait()
        yield "end"

    return StreamingHttpResponse(parts())


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
    response = FileResponse(request.scope["file"], status=203, filename="numbers.txt")
    response.set_cookie("seen", "yes")
    return response


async def file_async(request):
    return file(request)


@csrf_exempt
@max_body_size(100)
def small(request):
    return HttpResponse(str(len(request.read())))


class FailingConverter:
    """Of a path, as one that asks the database."""

    regex = "[a-z]+"

    def to_python(self, value):
        raise RuntimeError

    def to_url(self, value):
        return value


register_converter(FailingConverter, "failing")


# The thread and the request of each call of note(), in their order.
NOTES: list[tuple[threading.Thread, RequestThread]] = []


def note(*arguments, **keywords) -> None:
    NOTES.append((threading.current_thread(), current.get()))


def note_both_ways(get_response):
    """Middleware that notes its thread, before and after the view."""

    def middleware(request):
        note()
        response = get_response(request)
        note()
        return response

    return middleware


def choose_urlconf(get_response):
    """Middleware that chooses another URLconf, as for a host name."""

    def middleware(request):
        if request.path == "/late/":
            request.urlconf = Late
        return get_response(request)

    return middleware


class NotedResponse(HttpResponse):
    def close(self):
        note()
        super().close()


def noted(request):
    note()
    time.sleep(0.01)  # so that requests overlap
    return NotedResponse()


def prefix(request):
    return HttpResponse(get_script_prefix())


async def prefix_async(request):
    return HttpResponse(get_script_prefix())


class Late:
    urlpatterns = [path("late/", wait_for_ever)]


urlpatterns = [
    *i18n_patterns(path("translated/", wait_for_ever)),
    path("failing/<failing:value>/", prefix),
    path("noted/", noted),
    path("gate/<int:number>/", wait_at_gate),
    path("threads/", name_threads),
    path("for-ever/", wait_for_ever),
    path("run-on/", run_on),
    path("fail/", fail),
    path("events/", events),
    path("synchronous-events/", synchronous_events),
    path("numbers/", numbers),
    path("slow-numbers/", slow_numbers),
    path("numbers-in-transaction/", numbers_in_transaction),
    path("without-a-pause/", without_a_pause),
    path("is-in-transaction/", is_in_transaction),
    path("download/", download),
    path("file/", file),
    path("file-async/", file_async),
    path("small/", small),
    path("prefix/", prefix),
    path("prefix-async/", prefix_async),
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
    """A function that sends a request, and returns the communicator that receives the response.

    Without ``complete`` more of the body is to come.
    """

    def send(
        path: str, *bodies: bytes, scope: dict | None = None, complete: bool = True, **headers: str
    ) -> ApplicationCommunicator:
        scope = {
            "type": "http",
            "method": "POST" if bodies else "GET",
            "path": path,
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
            "gate": gate,
            **(scope or {}),
        }
        communicator = ApplicationCommunicator(application, scope)
        for number, body in enumerate(bodies or [b""], start=1):
            more = number < len(bodies) or not complete
            message = {"type": "http.request", "body": body, "more_body": more}
            communicator.input_queue.put_nowait(message)
        assert communicator.future  # reading it starts the application
        return communicator

    return send


async def read_response(communicator) -> tuple[int, bytes]:
    """Return the status and the body."""
    start = await communicator.receive_output(TIMEOUT)
    return start["status"], b"".join(await read_parts(communicator))


async def read_parts(communicator) -> list[bytes]:
    """Return the messages of the body."""
    parts, more = [], True
    while more:
        message = await communicator.receive_output(TIMEOUT)
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return parts


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


@pytest.mark.parametrize("cancelled", [True, False])
async def test_a_view_that_has_started_runs_to_its_end(send_request, application, gate, cancelled):
    request = send_request("/gate/1/")
    await until(lambda: gate.entered)
    if cancelled:  # as servers do, some time after a disconnect
        request.future.cancel()
    else:
        await request.send_input({"type": "http.disconnect"})
    await asyncio.sleep(0.01)
    assert application.calls  # drain() waits for it
    gate.opened.set()
    await until(lambda: gate.left == ["/gate/1/"])
    await until(lambda: not application.calls)


async def test_requests_beyond_the_queue_are_refused_at_once(
    send_request, gate, settings, events, monkeypatch
):
    (rate_limit,) = logging.getLogger("paas.limits").filters
    monkeypatch.setattr(rate_limit, "silent_until", 0.0)
    settings.MAX_QUEUED_REQUESTS = 1
    served = [send_request("/gate/1/")]
    await until(lambda: gate.entered)
    served.append(send_request("/gate/2/"))
    await asyncio.sleep(0)
    refused = send_request("/gate/3/")
    start = await refused.receive_output(TIMEOUT)
    assert (start["status"], dict(start["headers"])[b"retry-after"]) == (503, b"5")
    assert [event["path"] for event in events()] == ["/gate/3/"]
    assert await read_response(send_request("/healthz")) == (200, b"ok")
    gate.opened.set()
    assert [await read_response(one) for one in served] == [(200, b"passed")] * 2
    assert await read_response(send_request("/gate/4/")) == (200, b"passed")


@pytest.mark.parametrize("root_path", ["", "/app"])
async def test_an_async_view_holds_no_thread_while_it_waits(send_request, gate, root_path):
    path = f"{root_path}/for-ever/"
    waiting = [send_request(path, scope={"root_path": root_path}) for _ in range(3)]
    await until(lambda: len(gate.entered) == 3)
    gate.opened.set()
    assert await read_response(send_request("/gate/1/")) == (200, b"passed")
    for one in waiting:
        await one.send_input({"type": "http.disconnect"})
        await one.wait(TIMEOUT)
    assert gate.left.count(path) == 3


@pytest.fixture
def only_our_middleware(settings):
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if one.startswith("paas.")]
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = False


async def test_our_middleware_runs_in_no_thread(
    only_our_middleware, send_request, gate, monkeypatch
):
    calls, submit = [], RequestThread.submit

    def count(*work):
        calls.append(work)
        return submit(*work)

    monkeypatch.setattr(RequestThread, "submit", count)
    waiting = send_request("/for-ever/")
    await until(lambda: gate.entered)
    assert len(calls) == 1  # the receivers of request_started
    await waiting.send_input({"type": "http.disconnect"})
    await waiting.wait(TIMEOUT)


async def test_the_synchronous_parts_of_an_async_view_share_one_thread(send_request):
    requests = [send_request("/threads/") for _ in range(12)]
    names = [(await read_response(request))[1].split() for request in requests]
    assert [len(set(each)) for each in names] == [1] * 12
    assert len({each[0] for each in names}) == 12  # of its own


@pytest.fixture
def more_middleware(settings):
    own = [f"{__name__}.{name}" for name in ("note_both_ways", "choose_urlconf")]
    locale = "django.middleware.locale.LocaleMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, locale, *own]


@pytest.fixture
def noted_signals(more_middleware):
    NOTES.clear()
    for signal in (request_started, request_finished):
        signal.connect(note)
    yield
    for signal in (request_started, request_finished):
        signal.disconnect(note)


async def test_a_synchronous_request_has_a_thread_for_itself_from_signal_to_close(
    noted_signals, send_request, handler
):
    handler.pages.size = 3
    requests = [send_request("/noted/") for _ in range(9)]
    assert [(await read_response(one))[0] for one in requests] == [200] * 9
    found: dict[RequestThread, set[threading.Thread]] = {}
    for thread, request in NOTES:
        found.setdefault(request, set()).add(thread)
    assert [len(threads) for threads in found.values()] == [1] * 9
    assert len(NOTES) == 9 * 6
    for thread in set.union(*found.values()):
        served = [request for one, request in NOTES if one is thread]
        assert len([*groupby(served)]) == len(set(served))  # one after the other


@pytest.mark.parametrize("path", ["/late/", "/de/translated/", "/en/translated/"])
async def test_async_views_that_the_path_does_not_tell_hold_up_no_page(
    more_middleware, send_request, gate, path
):
    waiting = [send_request(path) for _ in range(12)]
    await until(lambda: gate.entered == [path] * 12)
    gate.opened.set()
    assert await read_response(send_request("/gate/1/")) == (200, b"passed")
    for one in waiting:
        await one.send_input({"type": "http.disconnect"})
        await one.wait(TIMEOUT)
    assert gate.left.count(path) == 12


async def test_a_view_below_a_language_prefix_holds_no_page_thread(
    more_middleware, send_request, handler, gate
):
    waiting = send_request("/de/translated/")
    await until(lambda: gate.entered)
    assert handler.pages.lent == 0
    await waiting.send_input({"type": "http.disconnect"})
    await waiting.wait(TIMEOUT)


@pytest.mark.parametrize(("path", "status"), [("/failing/a/", 500), ("/nowhere/", 404)])
async def test_a_path_without_a_view_is_answered_by_a_page_thread(
    noted_signals, settings, send_request, path, status
):
    settings.DEBUG = False
    assert (await read_response(send_request(path)))[0] == status
    assert {thread.name for thread, _ in NOTES} == {"page_0"}


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


async def test_a_stream_that_never_waits_ends_at_a_disconnect(send_request):
    parts: list[int] = []
    request = send_request("/without-a-pause/", scope={"parts": parts})
    await request.receive_output(TIMEOUT)
    await request.send_input({"type": "http.disconnect"})
    await request.wait(TIMEOUT)
    assert len(parts) < PARTS


async def test_a_stream_that_ends_by_itself_is_complete_in_spite_of_a_shutdown(
    send_request, application
):
    may_go_on = asyncio.Event()
    request = send_request("/download/", scope={"may go on": may_go_on})
    await request.receive_output(TIMEOUT)
    await request.receive_output(TIMEOUT)
    draining = asyncio.create_task(application.drain())
    await asyncio.sleep(0.1)
    may_go_on.set()
    assert b"".join(await read_parts(request)) == b"end"
    await draining


async def test_a_synchronous_stream_is_sent_in_blocks(send_request):
    request = send_request("/numbers/")
    await request.receive_output(TIMEOUT)
    parts = await read_parts(request)
    assert b"".join(parts) == b"".join(b"%d\n" % n for n in range(1000))
    assert len(parts) < 100


async def test_a_slow_synchronous_stream_is_sent_as_it_comes(send_request, gate):
    request = send_request("/slow-numbers/")
    await request.receive_output(TIMEOUT)
    assert len(list(filter(None, await read_parts(request)))) > 1
    events = send_request("/synchronous-events/")
    await events.receive_output(TIMEOUT)
    assert (await events.receive_output(TIMEOUT))["body"] == b"data: 1\n\n"
    gate.opened.set()
    await read_parts(events)


async def test_no_request_joins_the_transaction_of_a_stream(send_request, gate):
    stream = send_request("/numbers-in-transaction/")
    await until(lambda: gate.entered)
    assert await read_response(send_request("/is-in-transaction/")) == (200, b"False")
    assert await read_response(stream) == (200, b"0\n1\n")


@pytest.mark.parametrize("path", ["/file/", "/file-async/"])
@pytest.mark.parametrize("size", [100, 200_000])
async def test_a_file_is_sent_whole_and_read_and_closed_in_a_thread(send_request, path, size):
    content = b"0123456789" * (size // 10)
    file = File(content)
    request = send_request(path, scope={"file": file})
    start = await request.receive_output(TIMEOUT)
    headers = dict(start["headers"])
    assert start["status"] == 203
    assert headers[b"Content-Length"] == b"%d" % size
    assert headers[b"Set-Cookie"].startswith(b"seen=yes")
    assert b"".join(await read_parts(request)) == content
    await request.wait(TIMEOUT)
    assert file.closed
    assert threading.main_thread() not in file.threads


@pytest.mark.parametrize(
    ("bodies", "headers"),
    [
        ([], {"content_length": "101"}),
        ([b"x" * 101], {"content_length": "101"}),
        ([b"x" * 60, b"x" * 60, b"x"], {"transfer_encoding": "chunked"}),
    ],
)
@pytest.mark.parametrize("root_path", ["", "/app"])
async def test_a_body_beyond_the_limit_is_refused(send_request, bodies, headers, root_path):
    path, below = f"{root_path}/small/", {"root_path": root_path}
    refused = send_request(path, *bodies, scope=below, **headers)
    assert (await read_response(refused))[0] == 413
    # The rest of the body has been read before the end of the response.
    assert refused.input_queue.empty()
    await refused.wait(TIMEOUT)
    assert refused.output_queue.empty()
    accepted = send_request(path, b"x" * 100, scope=below, content_length="100")
    assert await read_response(accepted) == (200, b"100")


async def test_the_rest_of_a_refused_body_is_awaited_for_a_while_only(send_request, monkeypatch):
    monkeypatch.setattr(incoming, "DISCARD_PAUSE_SECONDS", 0.01)
    refused = send_request("/small/", b"x" * 101, complete=False, content_length="200")
    assert (await read_response(refused))[0] == 413


async def test_the_rest_of_a_refused_body_is_read_up_to_a_limit(send_request, monkeypatch):
    monkeypatch.setattr(incoming, "DISCARD_BYTES", 100)
    refused = send_request("/small/", *[b"x" * 60] * 5, transfer_encoding="chunked")
    assert (await read_response(refused))[0] == 413
    assert not refused.input_queue.empty()


async def test_a_body_that_is_cut_short_reaches_no_view(send_request):
    request = send_request("/small/", b"x", complete=False, content_length="100")
    await request.send_input({"type": "http.disconnect"})
    await request.wait(TIMEOUT)
    assert request.output_queue.empty()


@pytest.fixture
def signals():
    """The name and the sender of each signal that a request has begun or ended."""
    found = []

    def note(signal, sender, **kwargs):
        found.append(("started" if signal is request_started else "finished", sender))

    for signal in (request_started, request_finished):
        signal.connect(note)
    yield found
    for signal in (request_started, request_finished):
        signal.disconnect(note)


@pytest.mark.parametrize(
    "path",
    ["prefix", "prefix-async", "numbers", "file", "file-async", "fail", "for-ever"],
)
async def test_each_request_begins_and_ends_once(send_request, gate, signals, path):
    """At both, Django looks after the database connections."""
    request = send_request(f"/{path}/", scope={"file": File(b"content")})
    if path == "for-ever":
        await until(lambda: gate.entered)
        await request.send_input({"type": "http.disconnect"})
    await request.wait(TIMEOUT)
    assert signals == [("started", ASGIHandler), ("finished", ASGIHandler)]


async def test_a_task_that_outlives_its_response_may_call_synchronous_code(send_request):
    may_go_on = asyncio.Event()
    tasks: list[asyncio.Task] = []
    request = send_request("/run-on/", scope={"may go on": may_go_on, "tasks": tasks})
    assert await read_response(request) == (200, b"")
    await request.wait(TIMEOUT)
    may_go_on.set()
    assert (await tasks[0]).startswith("request")


async def test_an_error_page_of_an_async_view_leaves_no_connection_open(send_request, settings):
    settings.DEBUG = False
    status, thread = await read_response(send_request("/fail/"))
    assert (status, thread[:8]) == (500, b"executor")


@pytest.mark.parametrize("path", ["/prefix/", "/prefix-async/"])
async def test_a_query_that_is_not_utf_8_is_a_bad_request(send_request, path):
    request = send_request(path, scope={"query_string": b"\xff"})
    assert (await read_response(request))[0] == 400


@pytest.mark.parametrize("path", ["/prefix/", "/prefix-async/"])
async def test_a_site_may_be_below_a_root_path(send_request, path):
    below = send_request(f"/app{path}", scope={"root_path": "/app"})
    assert await read_response(below) == (200, b"/app/")
    assert await read_response(send_request(path)) == (200, b"/")


PROBE_MAY_END = threading.Event()


def broken() -> str:
    raise ConnectionError


def slow() -> str:
    PROBE_MAY_END.wait(2 * TIMEOUT)
    return "ok"


async def test_probes_of_readyz_hold_up_no_other_request(send_request, settings, monkeypatch):
    PROBE_MAY_END.clear()
    settings.READINESS_PROBES = {name: f"{__name__}.{name}" for name in ("broken", "slow")}
    monkeypatch.setattr(health, "PROBE_TIMEOUT", 0.01)
    status, body = await read_response(send_request("/readyz"))
    found = {"broken": "unreachable", "slow": "no answer in time"}
    assert (status, json.loads(body)) == (503, found)
    monkeypatch.setattr(health, "PROBE_TIMEOUT", 2 * TIMEOUT)
    ready = send_request("/readyz")
    await until(lambda: health.PENDING["broken"].done())
    await asyncio.sleep(0.01)
    assert await read_response(send_request("/healthz")) == (200, b"ok")
    assert not ready.future.done()
    PROBE_MAY_END.set()
    status, body = await read_response(ready)
    assert (status, json.loads(body)) == (503, found | {"slow": "ok"})


def test_synchronous_middleware_is_logged_at_start(settings, caplog):
    def slow_middleware(get_response):
        return get_response

    globals()["slow_middleware"] = slow_middleware
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.slow_middleware"]
    with caplog.at_level(logging.WARNING):
        ASGIHandler()
    assert f"{__name__}.slow_middleware is synchronous only" in caplog.text
