"""Who is online: rows, heartbeats and limits, tested with a small page."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import get_user_model
from django.db.models.functions import Now
from django.urls import path, reverse

from paas.asgi import close_codes, websockets
from paas.asgi.channel_layer import send_to_group
from paas.asgi.heartbeat import HEARTBEAT
from paas.presence import limits, models
from paas.presence.consumers import PresenceConsumer
from paas.presence.models import EXPIRY_SECONDS, OpenWebSocket, annotate_online
from paas.testing.sockets import Socket, close_all, log_in

pytestmark = pytest.mark.django_db(transaction=True)

EVERYONE = "everyone"
User = get_user_model()


async def broadcast(user, online: bool) -> None:
    change = {"type": "change", "name": user.get_username(), "online": online}
    await send_to_group(EVERYONE, {"type": "page.change", "change": change})


class PageConsumer(PresenceConsumer):
    initial_groups = [EVERYONE]

    @classmethod
    def snapshot(cls):
        users = annotate_online(User.objects.all())
        return {"type": "everyone", "people": {each.username: each.online for each in users}}

    async def came_online(self, user):
        await broadcast(user, True)

    async def went_offline(self, user):
        await broadcast(user, False)

    async def page_change(self, message):
        await self.send_change(message["change"])


application = websockets.websocket_application([path("ws/", PageConsumer.as_asgi())])
open_page = partial(Socket, application, "/ws/")


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


async def changes_at_heartbeat(page: Socket, name: str) -> list[bool]:
    """What the page has received about the user until the next heartbeat: whether they are online."""
    await HEARTBEAT.beat()
    messages = await messages_until_ping(page)
    return [each["online"] for each in messages if each.get("name") == name]


async def snapshot_at_heartbeat(page: Socket) -> dict[str, bool] | None:
    """The last snapshot that the next heartbeat sends; None if it sends none."""
    await HEARTBEAT.beat()
    sent = [each["people"] for each in await messages_until_ping(page) if "people" in each]
    return sent[-1] if sent else None


@sync_to_async
def online() -> list[str]:
    return [name for name, is_online in PageConsumer.snapshot()["people"].items() if is_online]


async def test_a_page_receives_a_snapshot_then_changes():
    watcher = await open_page(await log_in("ada")).open()
    assert (await watcher.receive("everyone"))["people"] == {"ada": True}
    await watcher.receive("change")
    visitor = await open_page(await log_in("bob")).open()
    change = await watcher.receive("change")
    assert (change["name"], change["online"]) == ("bob", True)
    # The name of today, not that of when the page opened.
    await User.objects.filter(username="bob").aupdate(username="robert")
    await visitor.disconnect()
    change = await watcher.receive("change")
    assert (change["name"], change["online"]) == ("robert", False)


async def test_a_logout_during_a_handshake_leaves_nobody_online(monkeypatch):
    add, client = models.add, await log_in("bob")

    def log_out_and_add(*arguments):
        async_to_sync(client.post)(reverse("account_logout"))
        return add(*arguments)

    watcher = await open_page(await log_in("ada")).open()
    monkeypatch.setattr(models, "add", log_out_and_add)
    page = await open_page(client).open()
    assert await page.close_code() == close_codes.LOGGED_OUT
    await page.disconnect()
    assert not (await changes_at_heartbeat(watcher, "bob"))[-1]
    assert await online() == ["ada"]


async def test_logging_out_with_an_open_page_sends_no_second_change():
    """The row is deleted before the WebSocket closes; that of the logout is the project's."""
    watcher = await open_page(await log_in("ada")).open()
    bob = await log_in("bob")
    page = await open_page(bob).open()
    await bob.post(reverse("account_logout"))
    assert await page.close_code() == close_codes.LOGGED_OUT
    await page.disconnect()
    assert await changes_at_heartbeat(watcher, "bob") == [True]
    assert await online() == ["ada"]


def test_messages_about_one_user_are_few(user, django_user_model, monkeypatch):
    """A client may log in and out in a loop."""
    monkeypatch.setattr(limits, "LIMIT", limits.MessageLimit())
    monkeypatch.setattr(limits.time, "monotonic", lambda: 600.0)
    assert [limits.may_send(user) for _ in range(12)] == [True] * 10 + [False] * 2
    assert limits.may_send(django_user_model.objects.create(username="bob"))
    monkeypatch.setattr(limits.time, "monotonic", lambda: 660.0)
    assert limits.may_send(user)


async def test_a_heartbeat_renews_rows_and_deletes_those_of_killed_processes():
    watcher = await open_page(await log_in("ada")).open()
    await watcher.receive("everyone")
    killed = await User.objects.acreate(username="bob")
    long_ago = Now() - timedelta(seconds=EXPIRY_SECONDS + 1)
    for _ in range(2):
        await OpenWebSocket.objects.acreate(user=killed, session="s", seen_at=long_ago)
    await OpenWebSocket.objects.filter(user__username="ada").aupdate(
        seen_at=Now() - timedelta(seconds=EXPIRY_SECONDS - 5)
    )
    assert await online() == ["ada"]
    await HEARTBEAT.beat()
    row = await OpenWebSocket.objects.aget()
    assert await OpenWebSocket.objects.filter(seen_at__gte=Now() - timedelta(seconds=5)).aexists()
    assert "ada, last seen" in await sync_to_async(str)(row)
    assert (await watcher.receive("everyone"))["people"] == {"ada": True, "bob": False}


async def test_a_heartbeat_sends_the_snapshot_unless_the_page_has_it():
    page = await open_page(await log_in("ada")).open()
    await page.receive("everyone")
    await page.receive("change")
    assert await snapshot_at_heartbeat(page) == {"ada": True}
    assert await snapshot_at_heartbeat(page) is None


async def test_a_heartbeat_corrects_a_page_that_missed_a_change_to_what_was_before():
    """A user who came online has left again, and Redis lost that change."""
    bob = await User.objects.acreate(username="bob")
    page = await open_page(await log_in("ada")).open()
    await page.receive("change")
    await snapshot_at_heartbeat(page)
    await broadcast(bob, True)
    await page.receive("change")
    assert await snapshot_at_heartbeat(page) == {"ada": True, "bob": False}


async def test_a_user_has_a_limited_number_of_pages():
    client = await log_in("ada")
    user = await User.objects.aget(username="ada")
    for _ in range(20):
        await OpenWebSocket.objects.acreate(user=user, session="s")
    page = await open_page(client).open()
    assert await page.close_code() == close_codes.TOO_MANY
    await OpenWebSocket.objects.aupdate(seen_at=Now() - timedelta(minutes=1))
    assert await (await open_page(client).open()).receive("everyone")


async def test_sending_works_while_the_channel_layer_is_unavailable(monkeypatch, events):
    async def fail(*args):
        raise ConnectionError("Redis is unavailable")

    page = await open_page(await log_in("ada")).open()
    monkeypatch.setattr("channels.layers.InMemoryChannelLayer.group_send", fail)
    await broadcast(await User.objects.aget(), True)
    await page.disconnect()
    assert await online() == []
    assert "The channel layer is unavailable" in str(events())


async def test_a_user_is_online_until_the_last_page_closes():
    client = await log_in("ada")
    first, second = await open_page(client).open(), await open_page(client).open()
    assert await online() == ["ada"]
    await first.disconnect()
    assert await online() == ["ada"]
    assert False not in await changes_at_heartbeat(second, "ada")
    await second.disconnect()
    assert await online() == []
