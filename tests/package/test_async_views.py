"""What async views and streams rely on: their own connection, cursor, transaction and upload."""

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections, transaction
from django.db.backends.signals import connection_created
from django.http import HttpResponse, StreamingHttpResponse
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import path

from example.asgi_client import read_response, scope_of, start
from example.waiting import TIMEOUT, until
from paas.asgi import threads
from paas.asgi.handler import ASGIHandler

ROWS = 30


def execute(sql: str) -> list:
    with connections["cases"].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if sql.startswith("SELECT") else []


def page(request):
    execute("SELECT 1")
    return HttpResponse("page")


def slow_page(request):
    request.scope["entered"].set()
    assert request.scope["may go on"].wait(TIMEOUT)
    return HttpResponse("slow page")


async def order(request):
    """A transaction in an async view: https://docs.djangoproject.com/en/stable/topics/async/"""
    atomic = transaction.atomic(using="cases")
    await sync_to_async(atomic.__enter__)()
    await sync_to_async(execute)("INSERT INTO cases VALUES (0)")
    request.scope["entered"].set()
    await until(request.scope["may go on"].is_set)  # such as a payment service
    await sync_to_async(atomic.__exit__)(None, None, None)
    return HttpResponse("ordered")


def export(request):
    def rows():
        with connections["cases"].chunked_cursor() as cursor:  # as QuerySet.iterator() does
            cursor.execute("SELECT number FROM cases")
            while row := cursor.fetchone():
                yield f"{row[0]}\n".rjust(100_000)

    return StreamingHttpResponse(rows())


async def upload(request):
    await sync_to_async(read_upload)(request)
    return HttpResponse("uploaded")


def read_upload(request):
    files = list(request.FILES.values())
    slow_page(request)
    content = files[0].read() if files else request.body
    for file in files:
        file.close()
    request.scope["received"].append(len(content))


urlpatterns = [
    path("page/", page),
    path("slow-page/", slow_page),
    path("order/", order),
    path("export/", export),
    path("upload/", upload),
]


@pytest.fixture
async def handler(settings):
    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["*"]
    settings.MIDDLEWARE = []
    settings.WEB_THREADS = 4
    return ASGIHandler()


@pytest.fixture(params=[0, 600], ids=["CONN_MAX_AGE=0", "CONN_MAX_AGE=600"])
async def table(request, tmp_path, monkeypatch, django_db_blocker):
    """A table in a file, which a page can close, in place of a database in memory."""
    changes = {"NAME": tmp_path / "cases.sqlite3", "CONN_MAX_AGE": request.param}
    engine = {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {}}
    database = connections["default"].settings_dict | engine | changes
    monkeypatch.setitem(connections.databases, "cases", database)
    opened = []

    def remember(connection, **kwargs):
        opened.append(connection.connection)

    connection_created.connect(remember)
    with django_db_blocker.unblock():
        await sync_to_async(execute)("CREATE TABLE cases (number integer)")
        yield
        await sync_to_async(connections.__delitem__)("cases")
    for connection in opened:
        connection.close()


def controls() -> dict:
    """For the scope: events by which a test and its views wait for each other."""
    return {"entered": threading.Event(), "may go on": threading.Event(), "received": []}


@pytest.fixture
def ask(handler):
    """A function that sends a request, and returns the communicator that receives the response."""
    return lambda path, *body, **headers: start(handler, path, *body, scope=controls(), **headers)


async def read(communicator) -> str:
    """Return the body of a response with the status 200."""
    status, body = await read_response(communicator)
    assert status == 200
    await communicator.wait(TIMEOUT)
    return body.decode()


async def test_a_transaction_of_an_async_view_is_its_own_and_waits_for_no_page(ask, table):
    ordering = ask("/order/")
    await until(ordering.scope["entered"].is_set)
    assert await read(ask("/page/")) == "page"
    pages = [ask("/slow-page/") for _ in range(4)]  # all page threads
    for each in pages:
        await until(each.scope["entered"].is_set)
    ordering.scope["may go on"].set()
    assert await read(ordering) == "ordered"
    assert await sync_to_async(execute)("SELECT count(*) FROM cases") == [(1,)]
    for each in pages:
        each.scope["may go on"].set()
        assert await read(each) == "slow page"


async def test_pages_and_a_pause_of_its_client_do_not_end_the_cursor_of_an_export(
    ask, handler, table, monkeypatch
):
    monkeypatch.setattr(threads, "IDLE_SECONDS", 0)
    values = ", ".join(f"({number})" for number in range(ROWS))
    await sync_to_async(execute)(f"INSERT INTO cases VALUES {values}")
    messages, body = [{"type": "http.request"}], b""

    async def receive():
        return messages.pop() if messages else await asyncio.Event().wait()

    async def send(message):
        nonlocal body
        body += message.get("body", b"")
        assert await read(ask("/page/")) == "page"
        await asyncio.sleep(0.01)

    await handler(scope_of("/export/", "GET", {}), receive, send)
    assert [int(line) for line in body.split()] == list(range(ROWS))


@pytest.mark.parametrize("size", [10, 3_000_000])
@pytest.mark.parametrize("kind", ["body", "file"])
async def test_an_upload_stays_open_while_its_view_runs(ask, settings, kind, size):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000_000
    body, headers = b"x" * size, {}
    if kind == "file":
        body = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("numbers.bin", body)})
        headers = {"content_type": MULTIPART_CONTENT}
    view = ask("/upload/", body, content_length=str(len(body)), **headers)
    await until(view.scope["entered"].is_set)
    await view.send_input({"type": "http.disconnect"})
    await asyncio.sleep(0.1)
    view.scope["may go on"].set()
    await until(lambda: view.scope["received"])
    assert view.scope["received"] == [size]
