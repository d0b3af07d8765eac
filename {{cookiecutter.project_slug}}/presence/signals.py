"""Tell everyone of log-ins and log-outs, and close the sockets of a session that ends."""

import logging

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver

from presence.models import Connection
from presence.services import is_online, session_digest

EVERYONE = "presence.everyone"
logger = logging.getLogger(__name__)


def session_group(session: str) -> str:
    """The channel layer's name for the sockets of a session, by its digest."""
    return f"presence.session.{session}"


def status_message(user, online: bool, what: str) -> dict:
    """The message that ``user`` did ``what``, such as "logged in", and is online or not now."""
    return {
        "type": "presence.change",
        "change": {"id": user.pk, "name": user.get_username(), "online": online, "what": what},
    }


async def send(group: str, message: dict) -> None:
    """Send to the group; Redis being away must not keep anyone from logging in or out."""
    # The first try after Redis was away finds a connection that is no more.
    for last_try in (False, True):
        try:
            await get_channel_layer().group_send(group, message)
        except Exception:  # noqa: BLE001 (each layer has errors of its own)
            if last_try:
                logger.warning("The channel layer is away: %s was not sent.", message["type"])
        else:
            return


@receiver(user_logged_in)
def broadcast_login(sender, user, **kwargs):
    async_to_sync(send)(EVERYONE, status_message(user, is_online(user), "logged in"))


@receiver(user_logged_out)
def broadcast_logout(sender, request, user, **kwargs):
    if user is None or not request.session.session_key:
        return
    session = session_digest(request.session.session_key)
    # Before the message, where Django would delete it afterwards: a handshake that joins the group
    # too late for the message must not find the session.
    request.session.delete()
    Connection.objects.filter(session=session).delete()
    async_to_sync(send)(session_group(session), {"type": "presence.logged_out"})
    async_to_sync(send)(EVERYONE, status_message(user, is_online(user), "logged out"))
