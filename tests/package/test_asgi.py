"""The ASGI application: its deploy check, log lines, WebSocket middleware, and shutdown."""

import asyncio

import pytest

from example.waiting import TIMEOUT, until
from paas.asgi import shutdown
from paas.asgi.close_codes import INTERNAL_ERROR
from paas.asgi.shutdown import GracefulShutdown
from paas.asgi.websockets import HandleErrors, LogSockets, ReadHandshake
from paas.platforms import proxy_headers


async def test_a_websocket_s_client_ip_is_from_the_router_s_header():
    clients = []

    async def record_client(scope, receive, send):
        clients.append(scope["client"][0])

    router_header = (proxy_headers.platform.CLIENT_IP_HEADER.encode(), b"203.0.113.7")
    for headers in ([router_header], []):
        scope = {"headers": headers, "client": ("10.0.0.1", 50000)}
        await ReadHandshake(record_client)(scope, None, None)
    assert clients == ["203.0.113.7", "10.0.0.1"]


async def test_an_error_closes_the_websocket_and_is_logged_with_the_request_id(events):
    async def fail(scope, receive, send):
        await send({"type": "websocket.accept"})
        raise RuntimeError("It does not work.")

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"path": "/", "handshake": {}, "client": ("203.0.113.7", 50000)}
    await LogSockets(HandleErrors(fail))(scope, None, send)
    assert sent[-1] == {"type": "websocket.close", "code": INTERNAL_ERROR}
    opened, error, closed = events()
    assert (opened["event"], closed["event"]) == ("socket opened", "socket closed")
    assert "It does not work." in error["exception"]
    assert opened["request_id"] == error["request_id"] == closed["request_id"]


async def test_shutdown_closes_websockets_and_waits_for_them():
    ended, sent = [], []
    closed = asyncio.Event()

    async def work(scope, receive, send):
        await closed.wait()
        await asyncio.sleep(0.2)
        ended.append(scope["type"])

    async def send(message):
        sent.append(message)
        closed.set()

    application = GracefulShutdown(work)
    socket = asyncio.create_task(application({"type": "websocket"}, None, send))
    await until(lambda: application.sockets)
    async with asyncio.timeout(TIMEOUT):
        await application.drain()
    assert ended == ["websocket"]
    assert sent == [{"type": "websocket.close", "code": 1012}]
    await socket


async def test_shutdown_ends_in_time_whatever_websockets_and_requests_do(monkeypatch):
    closed = []

    async def close(message):
        closed.append(message)

    async def hang(message):
        await asyncio.Event().wait()

    async def fail(message):
        raise ConnectionError

    # Heroku kills a process 30 s after SIGTERM, for about a second of which its router sends requests.
    assert shutdown.SHUTDOWN_TIMEOUT < 30
    assert shutdown.ACCEPT_GRACE_SECONDS >= 1
    assert shutdown.SHUTDOWN_TIMEOUT - shutdown.ACCEPT_GRACE_SECONDS > 20  # for requests
    monkeypatch.setattr(shutdown, "SHUTDOWN_TIMEOUT", shutdown.ACCEPT_GRACE_SECONDS + 0.2)
    application = GracefulShutdown(None)
    without_end = asyncio.create_task(asyncio.Event().wait())
    application.calls, application.sockets = {without_end}, {close, hang, fail}
    async with asyncio.timeout(TIMEOUT):
        await application.drain()
    assert closed == [{"type": "websocket.close", "code": 1012}]
    without_end.cancel()


async def test_a_timeout_of_an_application_s_own_is_not_taken_for_the_shutdown():
    async def fail(scope, receive, send):
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await GracefulShutdown(fail)({"type": "http"}, None, None)
