"""Who is online: the page, its socket, the heartbeat and the tickets."""

import asyncio
from datetime import timedelta
from typing import ClassVar

import pytest
from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer
from channels.testing import WebsocketCommunicator
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.db.models.functions import Now
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone

from config.asgi import application
from presence import consumers, tickets
from presence.heartbeat import HEARTBEAT
from presence.models import EXPIRY_SECONDS, Connection, Ticket
from presence.services import MAX_CONNECTIONS, ended_sessions, list_people
from tests.test_handler import PATIENCE_SECONDS
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


class Page(WebsocketCommunicator):
    """A page that someone has open: ``client`` has the cookies, ``headers`` are sent besides."""

    pages: ClassVar[list["Page"]] = []

    def __init__(self, client=None, origin="http://localhost", subprotocols=None, **headers):
        headers = {"host": "localhost", "origin": origin, **headers}
        if client:
            headers["cookie"] = f"sessionid={client.cookies['sessionid'].value}"
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        super().__init__(application, "/ws/presence/", raw, subprotocols)

    async def connect(self, timeout=PATIENCE_SECONDS):
        self.pages.append(self)
        return await super().connect(timeout)

    async def disconnect(self, code=1000, timeout=PATIENCE_SECONDS):
        await super().disconnect(code, timeout)

    async def open(self) -> "Page":
        accepted, self.subprotocol = await self.connect()
        assert accepted
        return self

    async def hear(self, kind: str) -> dict:
        """The next message of that type, past any others."""
        while (message := await self.receive_json_from(PATIENCE_SECONDS))["type"] != kind:
            pass
        return message

    async def close_code(self) -> int:
        while (output := await self.receive_output(PATIENCE_SECONDS))["type"] != "websocket.close":
            pass
        return output["code"]


@pytest.fixture(autouse=True)
async def close_all_pages(transactional_db):
    """A consumer that outlives its test would write to the database of the next."""
    yield
    while Page.pages:
        await Page.pages.pop().disconnect()
    for consumer in list(HEARTBEAT.consumers):
        HEARTBEAT.leave(consumer)


async def log_in(name: str) -> AsyncClient:
    client = AsyncClient()
    user, _ = await User.objects.aget_or_create(username=name)
    await client.aforce_login(user)
    return client


@sync_to_async
def online() -> list[str]:
    return [person["name"] for person in list_people() if person["online"]]


def test_the_page_lists_everyone(client, user):
    User.objects.create(username="<b>bob</b>")
    user.connections.create(session="s")
    client.force_login(user)
    response = client.get(reverse("presence"))
    assert [(p["name"], p["online"]) for p in response.context["people"]] == [
        ("ada", True),
        ("<b>bob</b>", False),
    ]
    assert "&lt;b&gt;bob&lt;/b&gt;" in response.text
    assert "<script>" not in response.text


def test_the_page_is_for_people_who_are_logged_in(client):
    response = client.get(reverse("presence"))
    assert response.url.startswith(reverse("login"))


async def test_a_page_hears_everyone_first():
    page = await Page(await log_in("ada")).open()
    people = (await page.hear("everyone"))["people"]
    assert [(person["name"], person["online"]) for person in people] == [("ada", True)]


async def test_coming_and_going_shows_up_on_other_pages():
    watcher = await Page(await log_in("ada")).open()
    await watcher.hear("change")
    visitor = await Page(await log_in("bob")).open()
    heard = await watcher.hear("change")
    while heard["what"] != "came online":
        heard = await watcher.hear("change")
    assert (heard["name"], heard["online"]) == ("bob", True)
    await visitor.disconnect()
    heard = await watcher.hear("change")
    assert (heard["name"], heard["online"], heard["what"]) == ("bob", False, "went offline")


async def test_log_ins_and_log_outs_show_up():
    watcher = await Page(await log_in("ada")).open()
    await watcher.hear("change")
    bob = await log_in("bob")
    assert (await watcher.hear("change"))["what"] == "logged in"
    await bob.post(reverse("logout"))
    heard = await watcher.hear("change")
    assert (heard["name"], heard["what"]) == ("bob", "logged out")


async def test_several_pages_of_one_person_count_once():
    client = await log_in("ada")
    first, second = await Page(client).open(), await Page(client).open()
    assert await online() == ["ada"]
    await first.disconnect()
    assert await online() == ["ada"]
    await second.disconnect()
    assert await online() == []


async def test_logging_out_closes_that_session_s_pages_only():
    phone, desk = await log_in("ada"), await log_in("ada")
    on_phone, on_desk = await Page(phone).open(), await Page(desk).open()
    await phone.post(reverse("logout"))
    assert await on_phone.close_code() == consumers.LOGGED_OUT
    assert await online() == ["ada"]
    await HEARTBEAT.beat()
    await on_desk.hear("ping")


async def test_a_page_that_answers_stays_and_one_that_does_not_is_given_up():
    answering = await Page(await log_in("ada")).open()
    silent = await Page(await log_in("bob")).open()
    for _ in range(3):
        await HEARTBEAT.beat()
        await answering.hear("ping")
        await answering.send_json_to({"type": "pong"})
        await asyncio.sleep(0.05)
    assert await silent.close_code() == consumers.NO_ANSWER
    await silent.disconnect()
    assert await online() == ["ada"]


async def test_a_beat_renews_and_sweeps_up_after_processes_that_were_killed():
    watcher = await Page(await log_in("ada")).open()
    await watcher.hear("everyone")
    killed = await User.objects.acreate(username="bob")
    long_ago = Now() - timedelta(seconds=EXPIRY_SECONDS + 1)
    await killed.connections.acreate(session="s", seen_at=long_ago)
    await killed.connections.acreate(session="s", seen_at=long_ago)
    await Connection.objects.filter(user__username="ada").aupdate(
        seen_at=Now() - timedelta(seconds=EXPIRY_SECONDS - 5)
    )
    assert await online() == ["ada"]
    await HEARTBEAT.beat()
    assert await Connection.objects.acount() == 1
    people = (await watcher.hear("everyone"))["people"]
    assert [(person["name"], person["online"]) for person in people] == [
        ("ada", True),
        ("bob", False),
    ]


async def test_a_beat_keeps_sockets_alive_while_the_database_is_away(monkeypatch):
    def fail(connections):
        raise OperationalError("the database is away")

    page = await Page(await log_in("ada")).open()
    monkeypatch.setattr("presence.heartbeat.renew", fail)
    await HEARTBEAT.beat()
    await page.hear("ping")


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "another"}])
async def test_a_beat_closes_the_pages_of_an_account_that_changed(change):
    page = await Page(await log_in("ada")).open()
    await User.objects.filter(username="ada").aupdate(**change)
    await HEARTBEAT.beat()
    assert await page.close_code() == consumers.NO_ANSWER


async def end_session(how: str, client: AsyncClient) -> None:
    """End the client's session behind the site's back."""
    sessions = Session.objects.filter(session_key=client.cookies["sessionid"].value)
    if how == "deleted":
        await sessions.adelete()
    elif how == "expired":
        await sessions.aupdate(expire_date=timezone.now())
    else:
        bob = await (await log_in("bob")).asession()
        stored = await Session.objects.aget(session_key=bob.session_key)
        await sessions.aupdate(session_data=stored.session_data)


@pytest.mark.parametrize("how", ["deleted", "expired", "another user's"])
async def test_a_beat_closes_the_pages_of_a_session_that_has_ended(how):
    client, another = await log_in("ada"), await log_in("ada")
    ticket = await get_ticket(client)
    ended = [await Page(client).open(), await Page(authorization=f"Ticket {ticket}").open()]
    going_on = await Page(another).open()
    await end_session(how, client)
    await HEARTBEAT.beat()
    assert [await page.close_code() for page in ended] == [consumers.LOGGED_OUT] * 2
    await going_on.hear("ping")


async def test_a_silent_page_of_a_session_that_has_ended_is_closed_too():
    client = await log_in("ada")
    page = await Page(client).open()
    await HEARTBEAT.beat()
    await end_session("deleted", client)
    await HEARTBEAT.beat()
    assert await page.close_code() == consumers.LOGGED_OUT


def test_all_sessions_of_a_beat_are_one_query(user, django_assert_num_queries):
    clients = [Client() for _ in range(3)]
    for client in clients:
        client.force_login(user)
    sessions = {(client.cookies["sessionid"].value, user.pk) for client in clients}
    with django_assert_num_queries(1):
        assert ended_sessions(sessions | {("gone", user.pk)}) == {("gone", user.pk)}


async def test_a_log_out_before_a_socket_joins_its_session_refuses_the_socket(monkeypatch):
    client, join = await log_in("ada"), InMemoryChannelLayer.group_add

    async def log_out_and_join(layer, group, channel):
        await client.post(reverse("logout"))
        await join(layer, group, channel)

    page = Page(client)
    monkeypatch.setattr(InMemoryChannelLayer, "group_add", log_out_and_join)
    assert not (await page.connect())[0]
    assert await online() == []


async def test_a_log_out_deletes_the_session_before_its_sockets_are_told(monkeypatch):
    """Or a handshake that joins in between would find the session, and miss the message."""
    client, send, left = await log_in("ada"), InMemoryChannelLayer.group_send, []

    async def count_and_send(layer, group, message):
        if message["type"] == "presence.logged_out":
            left.append(await Session.objects.acount())
        await send(layer, group, message)

    monkeypatch.setattr(InMemoryChannelLayer, "group_send", count_and_send)
    await client.post(reverse("logout"))
    assert left == [0]


async def test_an_answer_that_comes_during_a_beat_counts(monkeypatch):
    page = await Page(await log_in("ada")).open()
    await HEARTBEAT.beat()
    [consumer] = HEARTBEAT.consumers

    def answer(connections):
        consumer.missed = 0
        return set()

    monkeypatch.setattr("presence.heartbeat.renew", answer)
    await HEARTBEAT.beat()
    assert HEARTBEAT.consumers == {consumer}
    await page.hear("ping")


async def test_strangers_are_refused():
    accepted, _ = await Page().connect()
    assert not accepted


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost.evil.example",
        "http://localhost:81",
        "https://localhost",
        "ftp://localhost",
        "x://localhost",
        "http://localhost/presence/",
        "localhost",
        "null",
        "",
    ],
)
async def test_pages_of_other_sites_are_refused(origin):
    accepted, _ = await Page(await log_in("ada"), origin=origin).connect()
    assert not accepted


@pytest.mark.parametrize(
    ("origin", "proto", "accepted"),
    [
        ("https://localhost", "https", True),
        ("http://localhost", "https", False),
        ("https://localhost", "http", False),
        ("http://localhost", "http", False),
    ],
)
async def test_a_site_behind_https_takes_sockets_over_https_only(settings, origin, proto, accepted):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT = True
    page = Page(await log_in("ada"), origin=origin, **{"x-forwarded-proto": proto})
    assert (await page.connect())[0] is accepted


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"content-type": "x" * 10001}])
async def test_a_handshake_that_is_no_good_request_is_refused_and_no_error(headers, events):
    accepted, _ = await Page(await log_in("ada"), **headers).connect()
    assert not accepted
    assert not any("exception" in event for event in events())


async def test_another_site_on_a_shared_domain_is_refused(settings):
    settings.ALLOWED_HOSTS = [".herokuapp.com"]
    client = await log_in("ada")
    other = Page(client, host="ours.herokuapp.com", origin="http://theirs.herokuapp.com")
    assert not (await other.connect())[0]
    ours = Page(client, host="ours.herokuapp.com", origin="http://ours.herokuapp.com")
    assert (await ours.connect())[0]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("x" * 65, consumers.MESSAGE_TOO_BIG),
        ("not JSON", consumers.BAD_MESSAGE),
        ('{"type": "ping"}', consumers.BAD_MESSAGE),
    ],
)
async def test_a_page_may_only_answer(message, code):
    page = await Page(await log_in("ada")).open()
    await page.send_to(text_data=message)
    assert await page.close_code() == code


async def test_a_page_that_talks_too_much_is_closed():
    page = await Page(await log_in("ada")).open()
    for _ in range(consumers.MAX_MESSAGES + 1):
        await page.send_json_to({"type": "pong"})
    assert await page.close_code() == consumers.BAD_MESSAGE


async def test_a_person_has_a_bounded_number_of_pages():
    client = await log_in("ada")
    user = await User.objects.aget(username="ada")
    for _ in range(MAX_CONNECTIONS):
        await user.connections.acreate(session="s")
    page = await Page(client).open()
    assert await page.close_code() == consumers.TOO_MANY


async def get_ticket(client: AsyncClient) -> str:
    return (await client.post(reverse("presence_ticket"))).json()["ticket"]


async def test_tickets_open_sockets_without_cookies():
    client = await log_in("ada")
    by_header = await Page(authorization=f"Ticket {await get_ticket(client)}").open()
    by_subprotocol = await Page(
        subprotocols=["presence", f"ticket.{await get_ticket(client)}"]
    ).open()
    assert by_subprotocol.subprotocol == "presence"
    for page in (by_header, by_subprotocol):
        assert (await page.hear("everyone"))["people"][0]["name"] == "ada"


async def test_a_ticket_opens_one_socket():
    ticket = await get_ticket(await log_in("ada"))
    pages = [Page(authorization=f"Ticket {ticket}") for _ in range(5)]
    opened = await asyncio.gather(*(page.connect() for page in pages))
    assert sorted(accepted for accepted, _ in opened) == [False] * 4 + [True]
    assert not (await Page(subprotocols=["presence", f"ticket.{ticket}"]).connect())[0]


@pytest.mark.parametrize("how", ["log-out", "deleted", "expired"])
async def test_a_ticket_of_a_session_that_has_ended_is_refused(how):
    client = await log_in("ada")
    ticket = await get_ticket(client)
    if how == "log-out":
        await client.post(reverse("logout"))
    else:
        await end_session(how, client)
    assert not (await Page(authorization=f"Ticket {ticket}").connect())[0]


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "another"}])
async def test_a_ticket_of_an_account_that_changed_is_refused(change):
    ticket = await get_ticket(await log_in("ada"))
    await User.objects.filter(username="ada").aupdate(**change)
    assert not (await Page(authorization=f"Ticket {ticket}").connect())[0]


async def test_tickets_are_not_stored_and_expired_ones_tell_no_session(monkeypatch):
    client = await log_in("ada")
    ticket = await get_ticket(client)
    stored = await Ticket.objects.aget()
    assert ticket not in (stored.digest, stored.session_key)
    monkeypatch.setattr(tickets, "TICKET_SECONDS", -1)
    await get_ticket(client)
    assert not await Ticket.objects.filter(digest=stored.digest).aexists()


async def test_a_ticket_s_socket_closes_with_its_session():
    client = await log_in("ada")
    page = await Page(authorization=f"Ticket {await get_ticket(client)}").open()
    await client.post(reverse("logout"))
    assert await page.close_code() == consumers.LOGGED_OUT


async def test_a_bad_ticket_is_refused_even_with_good_cookies(monkeypatch):
    client = await log_in("ada")
    ticket = await get_ticket(client)
    assert not (await Page(client, authorization=f"Ticket {ticket}x").connect())[0]
    monkeypatch.setattr(tickets, "TICKET_SECONDS", -1)
    assert not (await Page(client, authorization=f"Ticket {ticket}").connect())[0]


async def test_a_bad_ticket_never_reaches_a_consumer_that_takes_anyone():
    async def accept(scope, receive, send):
        await send({"type": "websocket.accept"})

    headers = [(b"authorization", b"Ticket made.up")]
    page = WebsocketCommunicator(tickets.TicketAuth(accept), "/", headers)
    assert not (await page.connect())[0]


def test_a_ticket_is_for_people_who_are_logged_in(client):
    assert client.post(reverse("presence_ticket")).status_code == 401
    assert client.get(reverse("presence_ticket")).status_code == 405


async def test_logging_in_works_while_the_channel_layer_is_away(monkeypatch):
    async def refuse(*args):
        raise ConnectionError("Redis is away")

    monkeypatch.setattr("channels.layers.InMemoryChannelLayer.group_send", refuse)
    client = await log_in("ada")
    assert (await client.get(reverse("presence"))).status_code == 200
