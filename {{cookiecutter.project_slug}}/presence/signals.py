"""Send logins and logouts to every open page."""

import time
from collections import Counter
from threading import Lock

from asgiref.sync import async_to_sync
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from paas.asgi.channel_layer import send_to_group
from paas.asgi.sessions import session_digest, session_ended

from presence.models import Connection
from presence.services import is_online

EVERYONE = "presence.everyone"
# Messages about the logins and logouts of one user, per minute and server process.
MAX_MESSAGES = 10


def status_message(user, online: bool, what: str) -> dict:
    """A message for the channel layer; ``what`` the user did is text such as "logged in".

    ``hidden``: pages take the user off the list, as staff who are offline are not on it.
    """
    change = {"id": user.pk, "name": user.get_username(), "online": online, "what": what}
    return {
        "type": "presence.change",
        "change": change | {"hidden": user.is_staff and not online},
    }


class MessageLimit:
    """Rate limit of the messages about one user: a client may log in and out in a loop.

    Each process counts in memory, which works while Redis is unavailable. The next heartbeat sends
    the whole list, so pages show what a dropped message was about.
    """

    def __init__(self):
        self.lock = Lock()
        self.minute = 0
        self.messages: Counter = Counter()

    def allows(self, user) -> bool:
        """Count a message about the user, and return whether to send it."""
        minute = int(time.monotonic() // 60)
        with self.lock:
            if minute != self.minute:
                self.minute = minute
                self.messages.clear()
            self.messages[user.pk] += 1
            return self.messages[user.pk] <= MAX_MESSAGES


LIMIT = MessageLimit()


def broadcast_status(user, what: str) -> None:
    """Send to every open page what the user did, unless the limit is exceeded."""
    if LIMIT.allows(user):
        async_to_sync(send_to_group)(EVERYONE, status_message(user, is_online(user), what))


@receiver(user_logged_in)
def broadcast_login(sender, user, **kwargs):
    broadcast_status(user, "logged in")


@receiver(user_logged_out)
def broadcast_logout(sender, user, **kwargs):
    if user is not None:
        broadcast_status(user, "logged out")


@receiver(session_ended)
def delete_connections(sender, session_key, **kwargs):
    """Delete the rows before the WebSockets close, which would send "went offline" for the last."""
    Connection.objects.filter(session=session_digest(session_key)).delete()
