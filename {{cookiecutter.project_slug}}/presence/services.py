"""Who is online: the questions to the database and the changes to it."""

import json

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from presence.models import Connection

# The page is for a team or a room: of more people than this, those online and the first by name.
MAX_PEOPLE = 500
MAX_CONNECTIONS = 20


def list_people() -> list[dict]:
    """The people to show, those online first: ``id``, ``name``, and ``online``, a bool."""
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
    """The WebSocket message that tells of everyone: the same text for every page."""
    return json.dumps({"type": "everyone", "people": list_people()})


def session_digest(session_key: str) -> str:
    """What stands for a session where its key would be a secret told."""
    return salted_hmac("presence.session", session_key, algorithm="sha256").hexdigest()


def is_online(user) -> bool:
    return user.connections.live().exists()


def connect(user, session: str) -> tuple[Connection | None, bool]:
    """Store a connection of ``user``. Returns it, and whether the person was offline before;
    None in its place if they have ``MAX_CONNECTIONS`` already.
    """
    before = user.connections.live().count()
    if before >= MAX_CONNECTIONS:
        return None, False
    return user.connections.create(session=session), before == 0


def disconnect(connection: Connection) -> bool:
    """Delete the connection. Returns whether that left its person offline."""
    deleted, _ = Connection.objects.filter(pk=connection.pk).delete()
    return bool(deleted) and not is_online(connection.user)


def renew(connections: list[Connection]) -> set:
    """Say that these are alive. Returns the keys of those that may go on: the others were deleted
    meanwhile, or their person's account or password is no longer what it was.
    """
    fingerprints = {
        connection.pk: connection.user.get_session_auth_hash() for connection in connections
    }
    stored = Connection.objects.filter(pk__in=fingerprints).select_related("user")
    going_on = {
        connection.pk
        for connection in stored
        if connection.user.is_active
        and connection.user.get_session_auth_hash() == fingerprints[connection.pk]
    }
    Connection.objects.filter(pk__in=going_on).update(seen_at=Now())
    return going_on
