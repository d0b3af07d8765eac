"""The ASGI application: what it needs, what it refuses, and what it finishes."""

import asyncio

import pytest
from channels.testing import WebsocketCommunicator

from config import drain, router
from config.asgi import application
from config.guard import RequestGuard
from config.websockets import OUR_ERROR, ClientAddress, Faults, Logged

# Longer than anything takes, even on a busy machine.
PATIENCE_SECONDS = 10


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"CHANNEL_LAYERS": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}},
            "CHANNEL_LAYERS must name a layer that all processes share.",
        ),
        (
            {"conn_max_age": None},
            "CONN_MAX_AGE must be 0: under ASGI, connections that stay are lost.",
        ),
        (
            {"DB_POOL_SIZE": 7, "WEB_CONCURRENCY": 3},
            "DB_POOL_SIZE is 7 in 3 processes: over DATABASE_CONNECTION_LIMIT, 20.",
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

    named = [(router.ADDRESS.encode(), b"203.0.113.7")]
    for headers in (named, []):
        scope = {"headers": headers, "client": ("10.0.0.1", 50000)}
        await ClientAddress(note_client)(scope, None, None)
    assert clients == ["203.0.113.7", "10.0.0.1"]


async def test_an_error_in_a_socket_closes_it_and_is_logged_with_its_id(events):
    async def fail(scope, receive, send):
        await send({"type": "websocket.accept"})
        raise RuntimeError("It does not work.")

    told = []

    async def send(message):
        told.append(message)

    scope = {"path": "/", "headers": [], "client": ("203.0.113.7", 50000)}
    await Logged(Faults(fail))(scope, None, send)
    assert told[-1] == {"type": "websocket.close", "code": OUR_ERROR}
    opened, error, closed = events()
    assert (opened["event"], closed["event"]) == ("socket opened", "socket closed")
    assert "It does not work." in error["exception"]
    assert opened["request_id"] == error["request_id"] == closed["request_id"]


class Client:
    """A client that sends one request and, if told to, hangs up at once."""

    def __init__(self, hangs_up: bool):
        self.messages: list[dict] = [{"type": "http.request"}]
        self.messages += [{"type": "http.disconnect"}] if hangs_up else []

    async def receive(self):
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)

    async def send(self, message):
        pass


class ImpatientApplication:
    """Like Django, it stops as soon as it hears that its client is gone.

    A request ends when ``ends`` is released; ``begun`` and ``finished`` list requests' paths.
    """

    def __init__(self):
        self.begun: list[str] = []
        self.finished: list[str] = []
        self.ends = asyncio.Semaphore(0)

    async def __call__(self, scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        self.begun.append(scope["path"])
        listening = asyncio.create_task(receive())
        working = asyncio.create_task(self.ends.acquire())
        await asyncio.wait({listening, working}, return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            self.finished.append(scope["path"])
            await send({"type": "http.response.start", "status": 200})
        await listening
        working.cancel()


@pytest.fixture
def impatient():
    return ImpatientApplication()


@pytest.fixture
def guard(impatient):
    return RequestGuard(impatient, max_requests=1)


def ask(guard: RequestGuard, client: Client, path: str = "/") -> asyncio.Task:
    request = guard({"path": path}, client.receive, client.send)
    return asyncio.create_task(asyncio.wait_for(request, PATIENCE_SECONDS))


async def until(condition) -> None:
    """Wait until ``condition()`` is true."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.001)


async def test_a_request_whose_client_hangs_up_finishes(guard, impatient):
    request = ask(guard, Client(hangs_up=True))
    await until(lambda: impatient.begun)
    impatient.ends.release()
    await request
    assert impatient.finished == ["/"]


async def test_a_request_that_the_server_cancels_finishes(guard, impatient):
    request = ask(guard, Client(hangs_up=True))
    await until(lambda: impatient.begun)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    impatient.ends.release()
    await until(lambda: impatient.finished == ["/"])


async def test_requests_beyond_the_bound_wait_their_turn(guard, impatient):
    paths = ["/0", "/1", "/2"]
    requests = [ask(guard, Client(hangs_up=True), path) for path in paths]
    for count, request in enumerate(requests, start=1):
        await until(lambda count=count: len(impatient.begun) == count)
        assert impatient.finished == paths[: count - 1]
        impatient.ends.release()
        await request
    assert impatient.finished == paths


async def test_an_upload_that_never_ends_holds_up_no_one(guard, impatient):
    trickling = Client(hangs_up=False)
    trickling.messages = [{"type": "http.request", "more_body": True}]
    upload = ask(guard, trickling, "/up")
    await until(lambda: not trickling.messages)
    impatient.ends.release()
    await ask(guard, Client(hangs_up=True))
    assert impatient.finished == ["/"]
    upload.cancel()


async def test_health_checks_do_not_wait(guard, impatient):
    busy = ask(guard, Client(hangs_up=True))
    await until(lambda: impatient.begun)
    await ask(guard, Client(hangs_up=True), "/healthz")
    assert (impatient.begun, impatient.finished) == (["/", "/healthz"], [])
    impatient.ends.release()
    await busy


async def test_a_process_that_stops_closes_its_sockets_and_waits_for_its_requests():
    ended, told = [], []
    closed = asyncio.Event()

    async def work(scope, receive, send):
        await (closed.wait() if scope["type"] == "websocket" else asyncio.sleep(0.05))
        ended.append(scope["type"])

    async def send(message):
        told.append(message)
        closed.set()

    tracked = drain.Tracked(work)
    calls = [
        asyncio.create_task(tracked({"type": kind}, None, send)) for kind in ("http", "websocket")
    ]
    await asyncio.sleep(0)
    await drain.finish()
    assert sorted(ended) == ["http", "websocket"]
    assert told == [{"type": "websocket.close", "code": 1012}]
    await asyncio.gather(*calls)
