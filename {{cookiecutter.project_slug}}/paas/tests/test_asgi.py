"""The ASGI application: what it needs, what it refuses, and what it finishes."""

import asyncio

import pytest
from channels.testing import WebsocketCommunicator

from config.asgi import application
from paas import proxy_headers
from paas.asgi import shutdown
from paas.asgi.websockets import INTERNAL_ERROR, HandleErrors, LogSockets, ReadHandshake
from paas.management.commands.runserver import Command


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"CHANNEL_LAYERS": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}},
            "CHANNEL_LAYERS must name a layer that all processes share.",
        ),
    ],
)
def test_what_asgi_cannot_do_with_does_not_go_live(refusal, changes, sentence):
    assert refusal(**changes) == sentence


async def test_an_unknown_socket_is_refused():
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost")]
    page = WebsocketCommunicator(application, "/no/such/socket", headers)
    accepted, _ = await page.connect()
    assert not accepted


async def test_a_socket_s_client_is_the_one_that_the_router_names():
    clients = []

    async def note_client(scope, receive, send):
        clients.append(scope["client"][0])

    named = [(proxy_headers.platform.CLIENT_IP_HEADER.encode(), b"203.0.113.7")]
    for headers in (named, []):
        scope = {"headers": headers, "client": ("10.0.0.1", 50000)}
        await ReadHandshake(note_client)(scope, None, None)
    assert clients == ["203.0.113.7", "10.0.0.1"]


def test_the_development_server_logs_no_request_a_second_time(events):
    details = {"method": "GET", "path": "/", "status": 200, "client": "", "time_taken": 0.1}
    Command().log_action("http", "complete", details)
    assert events() == []


async def test_an_error_in_a_socket_closes_it_and_is_logged_with_its_id(events):
    async def fail(scope, receive, send):
        await send({"type": "websocket.accept"})
        raise RuntimeError("It does not work.")

    told = []

    async def send(message):
        told.append(message)

    scope = {"path": "/", "handshake": {}, "client": ("203.0.113.7", 50000)}
    await LogSockets(HandleErrors(fail))(scope, None, send)
    assert told[-1] == {"type": "websocket.close", "code": INTERNAL_ERROR}
    opened, error, closed = events()
    assert (opened["event"], closed["event"]) == ("socket opened", "socket closed")
    assert "It does not work." in error["exception"]
    assert opened["request_id"] == error["request_id"] == closed["request_id"]


async def test_a_process_that_stops_closes_its_sockets_and_waits_for_them():
    ended, told = [], []
    closed = asyncio.Event()

    async def work(scope, receive, send):
        await closed.wait()
        ended.append(scope["type"])

    async def send(message):
        told.append(message)
        closed.set()

    socket = asyncio.create_task(shutdown.TrackInFlight(work)({"type": "websocket"}, None, send))
    await asyncio.sleep(0)
    await shutdown.drain()
    assert ended == ["websocket"]
    assert told == [{"type": "websocket.close", "code": 1012}]
    await socket
