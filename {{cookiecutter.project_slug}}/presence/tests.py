"""The page and its WebSocket. What keeps the list true has its tests in django-paas."""

from functools import partial

import pytest
from django.urls import reverse
from paas.testing.sockets import Socket, close_all, log_in

from config.asgi import application
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

open_page = partial(Socket, application, "/ws/presence/")


@pytest.fixture(autouse=True)
async def close_all_pages(transactional_db):
    """A consumer that outlives its test would write to the next test's database."""
    yield
    await close_all()


def test_the_page_lists_everyone(client, user):
    User.objects.create(username="<b>bob</b>")
    User.objects.create_user("AnonymousUser")  # django-guardian's, without a password
    user.open_websockets.create(session="s")
    client.force_login(user)
    response = client.get(reverse("presence"))
    assert [(each["name"], each["online"]) for each in response.context["people"]] == [
        ("ada", True),
        ("<b>bob</b>", False),
    ]
    assert "&lt;b&gt;bob&lt;/b&gt;" in response.text


def test_the_page_requires_a_login(client):
    response = client.get(reverse("presence"))
    assert response.url.startswith(reverse("account_login"))


async def test_a_page_receives_the_list_then_each_change():
    watcher = await open_page(await log_in("ada")).open()
    people = (await watcher.receive("everyone"))["people"]
    assert [(each["name"], each["online"]) for each in people] == [("ada", True)]
    await watcher.receive("change")

    bob = await log_in("bob")
    page = await open_page(bob).open()
    await page.disconnect()
    await bob.post(reverse("account_logout"))
    changes = [await watcher.receive("change") for _ in range(4)]
    assert {change["name"] for change in changes} == {"bob"}
    assert [(change["what"], change["online"]) for change in changes] == [
        ("logged in", False),
        ("came online", True),
        ("went offline", False),
        ("logged out", False),
    ]


async def test_staff_are_listed_while_they_are_online_only():
    await User.objects.acreate(username="root", is_staff=True)
    watcher = await open_page(await log_in("ada")).open()
    people = (await watcher.receive("everyone"))["people"]
    assert [each["name"] for each in people] == ["ada"]
    await watcher.receive("change")
    page = await open_page(await log_in("root")).open()
    assert (await watcher.receive("change"))["hidden"]
    assert not (await watcher.receive("change"))["hidden"]
    await page.disconnect()
    assert (await watcher.receive("change"))["hidden"]
