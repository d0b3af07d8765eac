"""The base consumer and the WebSocket middleware, tested with a small endpoint."""

import asyncio
from functools import partial

import pytest
from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.test import AsyncClient
from django.urls import include, path, reverse
from django.utils import timezone

from paas.asgi import close_codes, tickets, websockets
from paas.asgi.channel_layer import send_to_group
from paas.asgi.consumers import SessionConsumer
from paas.asgi.heartbeat import HEARTBEAT
from paas.asgi.sessions import session_group
from paas.testing.sockets import Socket, close_all, log_in

ENGINES = "django.contrib.sessions.backends"

pytestmark = pytest.mark.django_db(transaction=True)


class EchoConsumer(SessionConsumer):
    """Sends back what it receives; joins a group at ``{"join": group}``."""

    subprotocol = "echo"

    async def on_open(self):
        await self.send_json({"type": "hello", "name": self.scope["user"].get_username()})

    async def receive_json(self, content, **kwargs):
        if "join" in content:
            await self.join(content["join"])
        await self.send_json({"type": "echo", "content": content})

    async def said(self, message):
        await self.send_json(message)


urlpatterns = [path("ticket/", include("paas.asgi.tickets")), path("", include("example.urls"))]
application = websockets.websocket_application([path("ws/echo/", EchoConsumer.as_asgi())])
echo = partial(Socket, application, "/ws/echo/")


@pytest.fixture(autouse=True)
async def close_all_sockets(transactional_db):
    """A consumer that outlives its test would query the next test's database."""
    yield
    await close_all()


async def ticket_of(client: AsyncClient) -> str:
    return await sync_to_async(tickets.make_ticket)(client.cookies["sessionid"].value)


CHANGES: dict[str, dict] = {
    "inactive": {"is_active": False},
    "new password": {"password": "another"},
}


async def end_session(how: str, client: AsyncClient) -> None:
    """End the client's session, or change the account, in the database."""
    sessions = Session.objects.filter(session_key=client.cookies["sessionid"].value)
    if how in CHANGES:
        await get_user_model().objects.filter(username="ada").aupdate(**CHANGES[how])
    elif how == "deleted":
        await sessions.adelete()
    elif how == "expired":
        await sessions.aupdate(expire_date=timezone.now())
    else:
        bob = await (await log_in("bob")).asession()
        stored = await Session.objects.aget(session_key=bob.session_key)
        await sessions.aupdate(session_data=stored.session_data)


async def test_a_new_endpoint_is_a_subclass():
    socket = await echo(await log_in("ada"), subprotocols=["echo"]).open()
    assert socket.subprotocol == "echo"
    assert (await socket.receive("hello"))["name"] == "ada"
    await socket.send_json_to({"text": "Hello!"})
    assert (await socket.receive("echo"))["content"] == {"text": "Hello!"}


@pytest.mark.parametrize(
    "engine",
    ["paas.accounts.sessions", *(f"{ENGINES}.{name}" for name in ("cache", "cached_db", "file"))],
)
async def test_logging_out_closes_that_session_s_sockets_only(settings, tmp_path, engine):
    settings.SESSION_ENGINE, settings.SESSION_FILE_PATH = engine, tmp_path
    # Django's async log-in by cached_db cannot wait for a cache in the database.
    memory = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    settings.CACHES = {"default": memory}
    phone, desk = await log_in("ada"), await log_in("ada")
    on_phone, on_desk = await echo(phone).open(), await echo(desk).open()
    await phone.post(reverse("account_logout"))
    assert await on_phone.close_code() == close_codes.LOGGED_OUT
    await HEARTBEAT.beat()
    await on_desk.receive("ping")
    # A session that ends without a logout.
    await (await desk.asession()).adelete()
    await HEARTBEAT.beat()
    assert await on_desk.close_code() == close_codes.LOGGED_OUT


async def test_a_client_that_answers_stays_and_one_that_does_not_is_closed():
    answering, silent = (
        await echo(await log_in("ada")).open(),
        await echo(await log_in("bob")).open(),
    )
    for _ in range(3):
        await HEARTBEAT.beat()
        await answering.receive("ping")
        await answering.send_json_to({"type": "pong"})
        await asyncio.sleep(0.05)
    assert await silent.close_code() == close_codes.NO_ANSWER
    await answering.send_json_to("still there")
    await answering.receive("echo")


@pytest.mark.parametrize("how", ["deleted", "expired", "another user's", *CHANGES])
async def test_a_heartbeat_closes_the_sockets_of_a_session_that_has_ended(how):
    client, another = await log_in("ada"), await log_in("eve" if how in CHANGES else "ada")
    ticket = await ticket_of(client)
    ended = [await echo(client).open(), await echo(authorization=f"Ticket {ticket}").open()]
    going_on = await echo(another).open()
    await end_session(how, client)
    await HEARTBEAT.beat()
    assert [await socket.close_code() for socket in ended] == [close_codes.LOGGED_OUT] * 2
    await going_on.receive("ping")


async def test_a_logout_before_a_websocket_joins_its_session_rejects_it(monkeypatch):
    client, join = await log_in("ada"), InMemoryChannelLayer.group_add

    async def log_out_and_join(layer, group, channel):
        await client.post(reverse("account_logout"))
        await join(layer, group, channel)

    socket = echo(client)
    monkeypatch.setattr(InMemoryChannelLayer, "group_add", log_out_and_join)
    assert not (await socket.connect())[0]


@pytest.mark.parametrize(
    "origin",
    [
        "http://theirs.localhost",  # ALLOWED_HOSTS may name a domain that a platform's sites share
        "http://localhost:81",
        "http://localhost:443",
        "https://localhost",
        "wss://localhost",
        "http://localhost.",
        "http://localhost/presence/",
        "http://user@localhost",
        "capacitor://localhost",
        "https://app.example.net:8443",
        "https://example.org",
        "https://a.app.example.net",
        "null",
        "",
    ],
)
async def test_a_cross_origin_handshake_is_rejected_unless_it_has_a_ticket(origin, settings):
    settings.ALLOWED_HOSTS = [".localhost"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://app.example.net", "http://*.example.org"]
    client = await log_in("ada")
    assert not (await echo(client, origin=origin).connect())[0]
    assert not (await echo(client, origin=origin, authorization="Ticket invented").connect())[0]
    ticket = await ticket_of(client)
    await echo(origin=origin, authorization=f"Ticket {ticket}").open()


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost", "http://localhost:80"),
        ("localhost:80", "http://localhost"),
        ("localhost", "ws://LOCALHOST"),
        ("LOCALHOST:80", "ws://localhost"),
        ("localhost:8000", "ws://localhost:8000"),
        ("localhost.", "http://localhost."),
        ("[::1]", "http://[::1]:80"),
        ("[::80]:80", "ws://[::80]"),
        ("localhost", "https://app.example.net"),
        ("localhost", "wss://app.example.net:443"),
        ("localhost", "http://a.example.org"),
    ],
)
async def test_origins_are_compared_by_host_and_port(host, origin, settings):
    settings.ALLOWED_HOSTS = ["localhost", "[::1]", "[::80]"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://app.example.net", "http://*.example.org"]
    await echo(await log_in("ada"), host=host, origin=origin).open()


@pytest.mark.parametrize(
    ("origin", "proto", "accepted"),
    [
        ("https://localhost", "https", True),
        ("wss://localhost:443", "https", True),
        ("https://localhost:80", "https", False),
        ("wss://localhost", "http", False),
        ("http://localhost", "https", False),
        ("https://localhost", "http", False),
        ("http://localhost", "http", False),
    ],
)
async def test_a_site_with_https_accepts_websockets_over_https_only(
    settings, origin, proto, accepted
):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT = True
    socket = echo(await log_in("ada"), origin=origin, **{"x-forwarded-proto": proto})
    assert (await socket.connect())[0] is accepted


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("x" * 4097, close_codes.MESSAGE_TOO_BIG),
        (b"x" * 4097, close_codes.MESSAGE_TOO_BIG),
        ("not JSON", close_codes.BAD_MESSAGE),
        ("null", close_codes.BAD_MESSAGE),
        # Half of a surrogate pair: Redis and PostgreSQL take no such text.
        (r'{"text": "\ud83d"}', close_codes.BAD_MESSAGE),
    ],
)
async def test_an_invalid_message_closes_the_socket(message, code):
    socket = await echo(await log_in("ada")).open()
    kind = "text_data" if isinstance(message, str) else "bytes_data"
    await socket.send_to(**{kind: message})
    assert await socket.close_code() == code


async def test_a_client_that_sends_too_many_messages_is_closed():
    socket = await echo(await log_in("ada")).open()
    for _ in range(2):  # a heartbeat begins another count
        for _ in range(100):
            await socket.send_json_to({"type": "pong"})
        await asyncio.sleep(0.05)
        await HEARTBEAT.beat()
    for _ in range(101):
        await socket.send_json_to({"type": "pong"})
    assert await socket.close_code() == close_codes.TOO_MANY


async def test_a_ticket_by_header_or_subprotocol_opens_a_socket_without_cookies():
    client = await log_in("ada")
    by_header = await echo(authorization=f"Ticket {await ticket_of(client)}").open()
    offered = ["echo", f"ticket.{await ticket_of(client)}"]
    by_subprotocol = await echo(subprotocols=offered).open()
    assert by_subprotocol.subprotocol == "echo"
    for socket in (by_header, by_subprotocol):
        assert (await socket.receive("hello"))["name"] == "ada"


async def test_a_new_secret_key_rejects_only_sessions_before_a_new_password(settings):
    client = await log_in("ada")
    ticket = await ticket_of(client)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret"
    by_ticket = await echo(authorization=f"Ticket {ticket}").open()
    by_cookie = await echo(client).open()
    for socket in (by_ticket, by_cookie):
        assert (await socket.receive("hello"))["name"] == "ada"
    await get_user_model().objects.filter(username="ada").aupdate(password="another")
    assert not (await echo(client).connect())[0]


async def test_a_ticket_opens_one_socket():
    ticket = await ticket_of(await log_in("ada"))
    sockets = [echo(authorization=f"Ticket {ticket}") for _ in range(5)]
    opened = await asyncio.gather(*(socket.connect() for socket in sockets))
    assert sorted(accepted for accepted, _ in opened) == [False] * 4 + [True]
    assert not (await echo(subprotocols=["echo", f"ticket.{ticket}"]).connect())[0]


@pytest.mark.parametrize("how", ["logout", "deleted", "expired", *CHANGES])
async def test_a_ticket_of_a_session_that_has_ended_is_rejected(how):
    client = await log_in("ada")
    ticket = await ticket_of(client)
    if how == "logout":
        await client.post(reverse("account_logout"))
    else:
        await end_session(how, client)
    assert not (await echo(authorization=f"Ticket {ticket}").connect())[0]


@pytest.mark.urls(__name__)
async def test_a_ticket_needs_a_post_of_a_logged_in_user_and_is_not_stored():
    stranger, client = AsyncClient(), await log_in("ada")
    assert (await stranger.post("/ticket/")).status_code == 401
    assert (await client.get("/ticket/")).status_code == 405
    response = await client.post("/ticket/")
    assert response.json()["seconds"] == 30
    assert "no-store" in response.headers["Cache-Control"]
    assert (await echo(authorization=f"ticket {response.json()['ticket']}").connect())[0]


async def test_tickets_are_not_stored_and_a_ticket_s_row_is_no_session():
    client = await log_in("ada")
    ticket = await ticket_of(client)
    assert "key-of-ada" not in session_group("key-of-ada")
    async for stored in Session.objects.all():
        assert ticket[:8] not in f"{stored.session_key} {stored.get_decoded()}"
    stranger = AsyncClient()
    stranger.cookies["sessionid"] = tickets.ticket_key(ticket)
    assert (await stranger.asession()).session_key != tickets.ticket_key(ticket)


async def test_an_invalid_ticket_is_rejected_in_spite_of_valid_cookies(monkeypatch):
    client = await log_in("ada")
    assert not (await echo(client, authorization="Ticket invented").connect())[0]
    monkeypatch.setattr(tickets, "TICKET_SECONDS", -1)
    expired = await ticket_of(client)
    assert not (await echo(client, authorization=f"Ticket {expired}").connect())[0]


async def test_a_class_whose_heartbeat_fails_keeps_no_ended_session_open(monkeypatch, events):
    client = await log_in("ada")
    websocket = await echo(client).open()

    async def fail(alive):
        raise RuntimeError("It does not work.")

    monkeypatch.setattr(EchoConsumer, "on_heartbeat", fail)
    await end_session("deleted", client)
    await HEARTBEAT.beat()
    assert await websocket.close_code() == close_codes.LOGGED_OUT
    assert "EchoConsumer.on_heartbeat() failed." in [event["event"] for event in events()]


async def test_a_websocket_joins_groups_while_it_is_open():
    joined, other = await echo(await log_in("ada")).open(), await echo(await log_in("bob")).open()
    for _ in range(2):  # once is enough
        await joined.send_json_to({"join": "room.1"})
        await joined.receive("echo")
    await send_to_group("room.1", {"type": "said", "text": "Hello!"})
    assert (await joined.receive("said"))["text"] == "Hello!"
    assert await joined.receive_nothing()
    assert [message["type"] for message in [await other.receive_json_from()]] == ["hello"]
    assert await other.receive_nothing()


def last_line(events) -> tuple[str, int | None, str | None]:
    """The end of the WebSocket in the log: the event, the code and the reason."""
    [line] = [each for each in events() if each["event"] in ("socket closed", "socket rejected")]
    return line["event"], line["code"], line["reason"]


async def test_the_log_says_why_a_handshake_is_rejected(events, settings):
    client = await log_in("ada")
    rejected = {
        "not logged in": echo(),
        "the Origin is another site": echo(client, origin="https://evil.example"),
        "the Host is not in ALLOWED_HOSTS, or a header is invalid": echo(client, host="evil"),
        "the ticket is invalid, expired or used": echo(authorization="Ticket invented"),
        "no such path": Socket(application, "/ws/nothing/", client),
    }
    for reason, socket in rejected.items():
        assert not (await socket.connect())[0]
        await socket.disconnect()
        assert last_line(events) == ("socket rejected", 1000, reason)
    settings.SECURE_SSL_REDIRECT = True
    plain = echo(client)
    assert not (await plain.connect())[0]
    await plain.disconnect()
    assert last_line(events) == ("socket rejected", 1000, "not over HTTPS")
