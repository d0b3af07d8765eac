"""Uvicorn's connections: timeouts, limits, and invalid requests beside others."""

import asyncio
import time

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from paas import limits
from paas.limits import BAD_REQUEST, HEAD_TOO_LARGE, MAX_HEAD_SIZE
from paas.servers import uvicorn, uvicorn_connection

# Seconds of real time; enough on a busy machine.
TIMEOUT = 2
GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
# The response waits for the server to receive more.
WAIT = b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"POST /%b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
INVALID = b"no chunk\r\n\r\n"


async def application(scope, receive, send):
    """Responds with 200 after the body, to /early before it, and to /wait after ``ready``."""
    if scope["type"] == "websocket":
        await echo(receive, send)
        return
    state = scope["state"]
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    if scope["path"] == "/early":
        await send(start)
    if scope["path"] == "/wait":
        await state["ready"].wait()
    message = await receive()
    while scope["path"] != "/late" and message.get("more_body"):
        message = await receive()
    state["messages"].put_nowait(message["type"])
    if scope["path"] != "/early":
        await send(start)
    await send({"type": "http.response.body", "body": b"OK"})


async def echo(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while text := (await receive()).get("text"):
        await send({"type": "websocket.send", "text": text})


class Site:
    """A server in this process; ``connections`` are its open ones."""

    def __init__(self, monkeypatch):
        monkeypatch.setenv("PORT", "0")
        self.server = uvicorn.Server(uvicorn.configuration(f"{__name__}:application"))
        self.server.config.load()
        self.connections = self.server.server_state.connections
        self.ready = asyncio.Event()
        self.messages: asyncio.Queue[str] = asyncio.Queue()
        # Seconds by which advance() has moved the clock of asyncio and of paas/limits.py.
        self.advanced = 0.0
        real_clock = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: real_clock() + self.advanced)

    def make_connection(self):
        config, server_state = self.server.config, self.server.server_state
        state = {"ready": self.ready, "messages": self.messages}  # each scope has it
        return uvicorn_connection.Connection(config, server_state, state)

    async def listen(self) -> asyncio.Server:
        await self.server.on_tick(0)  # sets the headers of all responses
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(self.make_connection, "127.0.0.1", 0)
        self.port = listener.sockets[0].getsockname()[1]
        return listener

    async def advance(self, seconds: float) -> None:
        self.advanced += seconds
        await self.settle()

    async def settle(self) -> None:
        """Let the server handle what it has received."""
        for _ in range(5):
            await asyncio.sleep(0.002)


class Client:
    """A connection to ``site``."""

    def __init__(self, site, reader, writer):
        self.site, self.reader, self.writer = site, reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.site.settle()

    async def get(self, request: bytes = GET + b"\r\n") -> bytes:
        """Send a request; return the response."""
        await self.send(request)
        async with asyncio.timeout(TIMEOUT):
            head = await self.reader.readuntil(b"\r\n\r\n")
            return head + await self.reader.readexactly(2)

    async def read(self) -> bytes:
        """Return what the server sends until it closes, or resets the connection."""
        received = b""
        try:
            async with asyncio.timeout(TIMEOUT):
                while data := await self.reader.read(1_000_000):
                    received += data
        except ConnectionResetError:
            pass
        return received


@pytest.fixture
async def site(monkeypatch):
    site = Site(monkeypatch)
    listener = await site.listen()
    yield site
    site.ready.set()
    listener.close()
    await site.settle()


@pytest.fixture
async def client(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    await site.settle()
    yield Client(site, reader, writer)
    writer.transport.abort()
    await site.settle()


@pytest.mark.parametrize(
    "sent",
    [b"", GET + b"\r\n", CHUNKED % b"late" + b"1\r\na\r\n"],
    ids=["no request", "a request", "a request that is answered before its body ends"],
)
async def test_an_idle_connection_is_closed_a_little_later_than_the_router_would(
    site, client, sent
):
    await client.send(sent)
    await client.send(b"0\r\n\r\n" if b"chunked" in sent else b"")
    await site.advance(91)  # the router's 90
    assert site.connections
    await site.advance(5)
    assert not site.connections


async def test_a_response_does_not_name_the_server(client):
    response = await client.get()
    assert b"\r\ndate: " in response
    assert b"uvicorn" not in response.lower()


async def test_a_websocket_message_of_64_kb_is_received_and_a_larger_one_closes_it(site):
    async with connect(f"ws://127.0.0.1:{site.port}/", compression=None) as websocket:
        await websocket.send("x" * 65536)
        assert len(await websocket.recv()) == 65536
        await websocket.send("x" * 65537)
        with pytest.raises(ConnectionClosed, match="1009"):
            await websocket.recv()


def test_a_process_that_is_started_again_has_as_long_to_import_as_the_first(monkeypatch):
    monkeypatch.setenv("PORT", "0")
    config = uvicorn.configuration("nowhere:application")
    assert config.timeout_worker_healthcheck == uvicorn.START_SECONDS


async def test_a_head_may_have_100_headers(client):
    assert b" 200 " in await client.get(GET + b"a: b\r\n" * 99 + b"\r\n")
    await client.send(GET + b"a: b\r\n" * 100 + b"\r\n")
    assert await client.read() == HEAD_TOO_LARGE.message


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"], ids=["without end", "complete"])
async def test_a_head_of_over_64_kb_is_refused(client, end):
    await client.send(GET + b"a: " + b"a" * MAX_HEAD_SIZE + end)
    assert await client.read() == HEAD_TOO_LARGE.message


async def test_a_head_in_parts_does_not_count_the_body_that_came_with_the_last(site, client):
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\na: " + b"a" * 10_000
    await client.send(head)
    [connection] = site.connections
    connection.data_received(b"\r\n\r\n" + b"x" * 60_000)
    assert b" 200 " in await client.get(b"")


async def test_ten_requests_may_wait_for_an_earlier_one_s_response(site, client):
    await client.send(WAIT * 11)
    assert site.connections
    site.ready.set()
    for _ in range(11):
        assert b" 200 " in await client.get(b"")


async def test_an_eleventh_request_that_waits_closes_the_connection(site, client):
    await client.send(WAIT * 12)
    assert not site.connections
    assert await client.read() == b""


@pytest.mark.parametrize(
    ("first", "then"),
    [(CHUNKED % b"early", INVALID), (b"", WAIT + CHUNKED % b"" + INVALID), (WAIT, INVALID)],
    ids=["has begun", "is an earlier request's", "waits for no more of its request"],
)
async def test_no_error_is_sent_in_place_of_a_response_that(site, client, first, then):
    await client.send(first)
    await client.send(then)
    assert not site.connections
    assert b"400" not in await client.read()


async def test_an_invalid_body_gets_an_error_and_is_a_disconnect_to_the_application(site, client):
    await client.send(CHUNKED % b"" + INVALID)
    assert site.connections
    assert await client.read() == BAD_REQUEST.message
    async with asyncio.timeout(TIMEOUT):
        assert await site.messages.get() == "http.disconnect"


async def test_an_error_is_the_end_of_the_response_and_a_silent_client_is_disconnected(
    site, client
):
    await client.send(CHUNKED % b"" + INVALID)
    assert await client.read() == BAD_REQUEST.message
    assert site.connections
    await site.advance(6)  # DISCARD_PAUSE_SECONDS
    assert not site.connections


async def test_a_client_that_still_sends_after_an_error_is_not_disconnected(site, client):
    await client.send(CHUNKED % b"" + INVALID)
    for _ in range(5):
        await site.advance(4)
        await client.send(b"x")
    assert site.connections
    await site.advance(6)
    assert not site.connections


@pytest.mark.parametrize("bound", ["DISCARD_BYTES", "DISCARD_SECONDS"])
async def test_a_client_that_sends_without_end_after_an_error_is_disconnected(
    site, client, monkeypatch, bound
):
    monkeypatch.setattr(limits, bound, 10)
    await client.send(CHUNKED % b"" + INVALID)
    for _ in range(3):
        await client.send(b"x" * 5)
        await site.advance(4)
    await client.send(b"x")
    assert not site.connections
