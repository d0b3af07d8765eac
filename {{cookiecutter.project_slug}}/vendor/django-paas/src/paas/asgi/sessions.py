"""Sessions of WebSockets: which have ended, and closing the WebSockets of one that logs out."""

from importlib import import_module

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import SessionBase
from django.dispatch import Signal, receiver
from django.utils import timezone
from django.utils.crypto import salted_hmac

from paas.asgi.channel_layer import send_to_group

# Sent at logout with ``session_key``: the session is deleted, and its WebSockets are still open.
session_ended = Signal()


def session_digest(session_key: str) -> str:
    """A keyed hash of the session key, for storage outside the session table."""
    return salted_hmac("paas.asgi.session", session_key, algorithm="sha256").hexdigest()


def session_group(session_key: str) -> str:
    """The channel layer's group of the session's WebSockets."""
    return f"session.{session_digest(session_key)}"


def ended_sessions(sessions: set[tuple[str, int]]) -> set[tuple[str, int]]:
    """Return those of the pairs (session key, user id) whose session was deleted, has expired, or
    belongs to another user. One query, or as many as sessions if SESSION_ENGINE has no table.
    """
    store = import_module(settings.SESSION_ENGINE).SessionStore
    users_of = users_in_table if issubclass(store, db.SessionStore) else users_by_key
    live = users_of(store, {key for key, _ in sessions})
    return {(key, user_id) for key, user_id in sessions if live.get(key) != str(user_id)}


def users_in_table(store: type[db.SessionStore], keys: set[str]) -> dict[str, str | None]:
    """The user's id in each session that is live, by its key."""
    rows = store.get_model_class().objects.filter(session_key__in=keys)
    live = rows.filter(expire_date__gt=timezone.now())
    return {session.session_key: session.get_decoded().get(SESSION_KEY) for session in live}


def users_by_key(store: type[SessionBase], keys: set[str]) -> dict[str, str | None]:
    """The same for an engine without a table, such as a cache, which loads one session at a time."""
    # exists() raises if the cache is unavailable, where load() finds no session.
    return {key: store(key).get(SESSION_KEY) for key in keys if store().exists(key)}


def changed_accounts(accounts: set[tuple[int, str]]) -> set[tuple[int, str]]:
    """Return those of the pairs (user id, get_session_auth_hash()) whose user was deleted or
    deactivated, or has a new password. One query.
    """
    users = get_user_model().objects.filter(
        pk__in={user_id for user_id, _ in accounts}, is_active=True
    )
    return accounts - {(user.pk, user.get_session_auth_hash()) for user in users}


@receiver(user_logged_out)
def close_sockets(sender, request, user, **kwargs):
    """Close the WebSockets of a session that logs out."""
    if user is None or not request.session.session_key:
        return
    # Django deletes the session after this signal. Delete it before the message: a handshake that
    # joins the group too late for the message must not find the session.
    request.session.delete()
    session_ended.send(sender=None, session_key=request.session.session_key)
    group = session_group(request.session.session_key)
    async_to_sync(send_to_group)(group, {"type": "session.logged_out"})
