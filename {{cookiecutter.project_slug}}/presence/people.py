"""Who is on the page, and the message that one of them has changed."""

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Q
from paas.asgi.channel_layer import send_to_group
from paas.presence.models import annotate_online

# The channel layer's group of all open pages.
EVERYONE = "presence.everyone"
# People on the page.
MAX_PEOPLE = 500


def list_people() -> list[dict]:
    """Active users, online first, then by name. Offline staff are hidden."""
    users = annotate_online(get_user_model().objects.filter(is_active=True))
    # Not accounts that nobody can log in to, such as django-guardian's AnonymousUser.
    users = users.exclude(
        password__startswith=UNUSABLE_PASSWORD_PREFIX, last_login=None, online=False
    )
    shown = users.filter(Q(online=True) | Q(is_staff=False)).order_by("-online", "username")
    return [
        {"id": user.pk, "name": user.get_username(), "online": user.online}
        for user in shown[:MAX_PEOPLE]
    ]


async def broadcast(user, online: bool, what: str) -> None:
    """Tell every open page what the user did, such as "logged in"."""
    change = {"id": user.pk, "name": user.get_username(), "online": online, "what": what}
    # Pages take a hidden user off the list.
    change["hidden"] = user.is_staff and not online
    await send_to_group(EVERYONE, {"type": "presence.change", "change": change})
