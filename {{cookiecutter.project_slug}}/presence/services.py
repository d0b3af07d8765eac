"""Queries: who is online, and the rows of open WebSockets."""

import json

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from paas.asgi.sessions import session_digest

from presence.models import Connection

# Users on the page.
MAX_PEOPLE = 500
# Open WebSockets per user.
MAX_CONNECTIONS = 20


def list_people() -> list[dict]:
    """The users to show, those online first, then by name: ``id``, ``name`` and ``online``.

    Everyone who is logged in sees all active users, but not staff who are offline.
    """
    connections = Connection.objects.live().filter(user=OuterRef("pk"))
    people = (
        get_user_model()
        .objects.filter(is_active=True)
        .annotate(online=Exists(connections))
        .filter(Q(online=True) | Q(is_staff=False))
        .order_by("-online", "username")[:MAX_PEOPLE]
    )
    return [{"id": user.pk, "name": user.get_username(), "online": user.online} for user in people]


def people_message() -> str:
    """The WebSocket message ``everyone``, as JSON: the same for every page."""
    return json.dumps({"type": "everyone", "people": list_people()})


def is_online(user) -> bool:
    return user.connections.live().exists()


def connect(user, session_key: str) -> tuple[Connection | None, bool]:
    """Store a connection. Returns it, and whether the user was offline before.

    Returns None, False if the user has MAX_CONNECTIONS already.
    """
    before = user.connections.live().count()
    if before >= MAX_CONNECTIONS:
        return None, False
    return user.connections.create(session=session_digest(session_key)), before == 0


def disconnect(connection: Connection):
    """Delete the connection. Returns the user, read again, if they are offline now; else None."""
    deleted, _ = Connection.objects.filter(pk=connection.pk).delete()
    if not deleted or is_online(connection.user):
        return None
    # From the database: the user name may have changed since the page was opened.
    return get_user_model().objects.filter(pk=connection.user.pk).first()


def renew(connections: list[Connection]) -> set[Connection]:
    """Update ``seen_at`` of the connections. Returns those whose row has been deleted."""
    stored = Connection.objects.filter(pk__in=[connection.pk for connection in connections])
    renewed = set(stored.values_list("pk", flat=True))
    Connection.objects.filter(pk__in=renewed).update(seen_at=Now())
    return {connection for connection in connections if connection.pk not in renewed}
