"""Who is online: queries and changes of the database."""

import json

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from paas.asgi.sessions import session_digest
from presence.models import Connection

# The page lists this many people: those online, then by name.
MAX_PEOPLE = 500
MAX_CONNECTIONS = 20


def list_people() -> list[dict]:
    """The people to show, those online first: dicts of ``id``, ``name`` and ``online``, a bool."""
    connections = Connection.objects.live().filter(user=OuterRef("pk"))
    people = (
        get_user_model()
        .objects.filter(is_active=True)
        .annotate(online=Exists(connections))
        .order_by("-online", "username")[:MAX_PEOPLE]
    )
    return [
        {"id": person.pk, "name": person.get_username(), "online": person.online}
        for person in people
    ]


def people_message() -> str:
    """The WebSocket message ``everyone``: the same text for every page."""
    return json.dumps({"type": "everyone", "people": list_people()})


def is_online(user) -> bool:
    return user.connections.live().exists()


def connect(user, session_key: str) -> tuple[Connection | None, bool]:
    """Store a connection of ``user``. Returns it, and whether the user was offline before; None
    instead of a connection if the user has MAX_CONNECTIONS already.
    """
    before = user.connections.live().count()
    if before >= MAX_CONNECTIONS:
        return None, False
    return user.connections.create(session=session_digest(session_key)), before == 0


def disconnect(connection: Connection) -> bool:
    """Delete the connection. Returns whether the user is offline now."""
    deleted, _ = Connection.objects.filter(pk=connection.pk).delete()
    return bool(deleted) and not is_online(connection.user)


def renew(connections: list[Connection]) -> set[Connection]:
    """Set ``seen_at`` of the connections. Returns those whose row was deleted in the meantime."""
    stored = Connection.objects.filter(pk__in=[connection.pk for connection in connections])
    renewed = set(stored.values_list("pk", flat=True))
    Connection.objects.filter(pk__in=renewed).update(seen_at=Now())
    return {connection for connection in connections if connection.pk not in renewed}
