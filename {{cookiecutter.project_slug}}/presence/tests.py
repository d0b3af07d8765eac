"""Who is online: the page and its WebSocket. The base class has its tests in django-paas."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import OperationalError
from django.db.models.functions import Now
from django.test import AsyncClient
from django.urls import reverse
from paas.asgi import close_codes
from paas.asgi.channel_layer import send_to_group
from paas.asgi.heartbeat import HEARTBEAT
from paas.testing.sockets import Socket, close_all, log_in

from config.asgi import application
from presence.consumers import PresenceConsumer
from presence.models import EXPIRY_SECONDS, Connection
from presence.services import MAX_CONNECTIONS, connect, list_people
from presence.signals import EVERYONE, MAX_MESSAGES, MessageLimit, status_message
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

open_page = partial(Socket, application, "/ws/presence/")


@pytest.fixture(autouse=True)
def new_limit(monkeypatch):
    """Users of different tests have the same primary keys, within the same minute."""
    monkeypatch.setattr("presence.signals.LIMIT", MessageLimit())


@pytest.fixture(autouse=True)
async def close_all_pages(transactional_db):
    """A consumer that outlives its test would write to the next test's database."""
    yield
    await close_all()


async def messages_until_ping(page: Socket) -> list[dict[str, Any]]:
    """The page's next messages, up to those of a heartbeat."""
    messages = [await page.receive_json_from()]
    while messages[-1]["type"] != "ping":
        messages.append(await page.receive_json_from())
    return messages


@sync_to_async
def online() -> list[str]:
    return [user["name"] for user in list_people() if user["online"]]


def test_the_page_lists_everyone(client, user):
    User.objects.create(username="<b>bob</b>")
    user.connections.create(session="s")
    client.force_login(user)
    response = client.get(reverse("presence"))
    assert [(each["name"], each["online"]) for each in response.context["people"]] == [
        ("ada", True),
        ("<b>bob</b>", False),
    ]
    assert "&lt;b&gt;bob&lt;/b&gt;" in response.text
    assert "<script>" not in response.text


def test_the_page_requires_a_login(client):
    response = client.get(reverse("presence"))
    assert response.url.startswith(reverse("account_login"))


async def test_staff_are_listed_while_they_are_online_only():
    staff = await User.objects.acreate(username="root", is_staff=True)
    watcher = await open_page(await log_in("ada")).open()
    people = (await watcher.receive("everyone"))["people"]
    assert [each["name"] for each in people] == ["ada"]
    await watcher.receive("change")
    visitor = await open_page(await log_in(staff.username)).open()
    while (change := await watcher.receive("change"))["what"] != "came online":
        assert change["hidden"]
    assert not change["hidden"]
    assert await online() == ["ada", "root"]
    await visitor.disconnect()
    assert (await watcher.receive("change"))["hidden"]


async def test_a_page_first_receives_the_whole_list():
    page = await open_page(await log_in("ada")).open()
    people = (await page.receive("everyone"))["people"]
    assert [(each["name"], each["online"]) for each in people] == [("ada", True)]


async def test_other_pages_show_who_comes_online_and_goes_offline():
    watcher = await open_page(await log_in("ada")).open()
    await watcher.receive("change")
    visitor = await open_page(await log_in("bob")).open()
    change = await watcher.receive("change")
    while change["what"] != "came online":
        change = await watcher.receive("change")
    assert (change["name"], change["online"]) == ("bob", True)
    # The name of today, not that of when the page opened.
    await User.objects.filter(username="bob").aupdate(username="robert")
    await visitor.disconnect()
    change = await watcher.receive("change")
    assert (change["name"], change["online"], change["what"]) == ("robert", False, "went offline")


async def test_other_pages_show_logins_and_logouts():
    watcher = await open_page(await log_in("ada")).open()
    await watcher.receive("change")
    bob = await log_in("bob")
    assert (await watcher.receive("change"))["what"] == "logged in"
    await bob.post(reverse("account_logout"))
    change = await watcher.receive("change")
    assert (change["name"], change["what"]) == ("bob", "logged out")


async def test_a_logout_during_a_handshake_leaves_nobody_online(monkeypatch):
    watcher = await open_page(await log_in("ada")).open()
    client = await log_in("bob")

    def log_out_and_connect(user, session_key):
        async_to_sync(client.post)(reverse("account_logout"))
        return connect(user, session_key)

    monkeypatch.setattr("presence.consumers.connect", log_out_and_connect)
    page = await open_page(client).open()
    assert await page.close_code() == close_codes.LOGGED_OUT
    await page.disconnect()
    await HEARTBEAT.beat()
    messages = await messages_until_ping(watcher)
    changes = [message for message in messages if message.get("name") == "bob"]
    assert not changes[-1]["online"]
    assert await online() == ["ada"]


async def test_logging_out_with_an_open_page_sends_one_change():
    watcher = await open_page(await log_in("ada")).open()
    bob = await log_in("bob")
    page = await open_page(bob).open()
    await bob.post(reverse("account_logout"))
    assert await page.close_code() == close_codes.LOGGED_OUT
    await page.disconnect()
    await HEARTBEAT.beat()
    messages = await messages_until_ping(watcher)
    changes = [message["what"] for message in messages if message.get("name") == "bob"]
    assert changes == ["logged in", "came online", "logged out"]
    assert await online() == ["ada"]


async def test_a_loop_of_logins_and_logouts_sends_few_messages():
    watcher = await open_page(await log_in("ada")).open()
    bob = await log_in("bob")
    user = await User.objects.aget(username="bob")
    for _ in range(2 * MAX_MESSAGES):
        await bob.alogout()
        await bob.aforce_login(user)
    await HEARTBEAT.beat()
    messages = await messages_until_ping(watcher)
    changes = [message for message in messages if message.get("name") == "bob"]
    # Twice the limit if a new minute begins in between.
    assert 0 < len(changes) <= 2 * MAX_MESSAGES


async def test_a_user_is_online_until_the_last_page_closes():
    client = await log_in("ada")
    first, second = await open_page(client).open(), await open_page(client).open()
    assert await online() == ["ada"]
    await first.disconnect()
    assert await online() == ["ada"]
    await HEARTBEAT.beat()
    messages = await messages_until_ping(second)
    assert "went offline" not in [message.get("what") for message in messages]
    await second.disconnect()
    assert await online() == []


async def test_a_page_that_does_not_answer_is_offline():
    client: AsyncClient = await log_in("ada")
    page = await open_page(client).open()
    for _ in range(3):
        await HEARTBEAT.beat()
    assert await page.close_code() == close_codes.NO_ANSWER
    await page.disconnect()
    assert await online() == []


async def test_a_heartbeat_renews_rows_and_deletes_those_of_killed_processes():
    watcher = await open_page(await log_in("ada")).open()
    await watcher.receive("everyone")
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
    people = (await watcher.receive("everyone"))["people"]
    assert [(each["name"], each["online"]) for each in people] == [
        ("ada", True),
        ("bob", False),
    ]


async def people_at_heartbeat(page: Socket) -> dict[str, bool] | None:
    """Who is online by the whole list that the next heartbeat sends; None if it sends none."""
    await HEARTBEAT.beat()
    lists = [each["people"] for each in await messages_until_ping(page) if "people" in each]
    return {each["name"]: each["online"] for each in lists[-1]} if lists else None


async def test_a_heartbeat_sends_the_list_unless_the_page_has_it():
    page = await open_page(await log_in("ada")).open()
    await page.receive("everyone")
    await page.receive("change")
    assert await people_at_heartbeat(page) == {"ada": True}
    assert await people_at_heartbeat(page) is None


async def test_a_heartbeat_corrects_a_page_that_missed_a_change_to_what_was_before():
    """A user who came online has left again, and Redis lost that change."""
    bob = await User.objects.acreate(username="bob")
    page = await open_page(await log_in("ada")).open()
    await page.receive("change")
    await people_at_heartbeat(page)
    await send_to_group(EVERYONE, status_message(bob, True, "came online"))
    await page.receive("change")
    assert await people_at_heartbeat(page) == {"ada": True, "bob": False}


async def test_a_heartbeat_corrects_a_page_that_opened_since_the_list_was_the_same():
    """The process had no pages in between, and Redis lost a change after this one opened."""
    client = await log_in("ada")
    ada, bob = await User.objects.aget(), await User.objects.acreate(username="bob")
    for user in (ada, bob):
        await user.connections.acreate(session="s")
    first = await open_page(client).open()
    assert await people_at_heartbeat(first) == {"ada": True, "bob": True}
    await first.disconnect()
    await bob.connections.all().adelete()
    page = await open_page(client).open()
    await page.receive("everyone")
    await bob.connections.acreate(session="s")
    assert await people_at_heartbeat(page) == {"ada": True, "bob": True}


async def test_a_heartbeat_closes_a_page_whose_row_was_deleted():
    page = await open_page(await log_in("ada")).open()
    await Connection.objects.all().adelete()
    await HEARTBEAT.beat()
    assert await page.close_code() == close_codes.NO_ANSWER


async def test_a_heartbeat_keeps_pages_open_while_the_database_is_unavailable(monkeypatch):
    def fail(connections):
        raise OperationalError("the database is unavailable")

    page = await open_page(await log_in("ada")).open()
    monkeypatch.setattr("presence.consumers.renew", fail)
    await HEARTBEAT.beat()
    await page.receive("ping")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("x" * (PresenceConsumer.max_message_size + 1), close_codes.MESSAGE_TOO_BIG),
        ('{"type": "ping"}', close_codes.BAD_MESSAGE),
    ],
)
async def test_a_page_may_send_pong_only(message, code):
    page = await open_page(await log_in("ada")).open()
    await page.send_to(text_data=message)
    assert await page.close_code() == code


async def test_a_user_has_a_limited_number_of_pages():
    client = await log_in("ada")
    user = await User.objects.aget(username="ada")
    for _ in range(MAX_CONNECTIONS):
        await user.connections.acreate(session="s")
    page = await open_page(client).open()
    assert await page.close_code() == close_codes.TOO_MANY


async def test_a_ticket_opens_a_page_without_cookies():
    ticket = (await (await log_in("ada")).post(reverse("presence_ticket"))).json()["ticket"]
    page = await open_page(authorization=f"Ticket {ticket}").open()
    assert (await page.receive("everyone"))["people"][0]["name"] == "ada"


def test_a_ticket_requires_a_login(client):
    assert client.post(reverse("presence_ticket")).status_code == 401
    assert client.get(reverse("presence_ticket")).status_code == 405


async def test_logging_in_works_while_the_channel_layer_is_unavailable(monkeypatch):
    async def refuse(*args):
        raise ConnectionError("Redis is unavailable")

    monkeypatch.setattr("channels.layers.InMemoryChannelLayer.group_send", refuse)
    client = await log_in("ada")
    assert (await client.get(reverse("presence"))).status_code == 200
