"""Who is online: the questions to the database and the changes to it."""

import json

from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.utils import timezone
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


def ended_sessions(sessions: set[tuple[str, int]]) -> set[tuple[str, int]]:
    """Of these pairs, a session's key and its user's id, those that are logged in no more: the
    session was deleted, has expired, or is another user's.
    """
    keys = {key for key, _ in sessions}
    # The table in which SESSION_ENGINE stores them: one query for all sockets of a process.
    stored = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    live = {(session.session_key, session.get_decoded().get(SESSION_KEY)) for session in stored}
    return {(key, user_id) for key, user_id in sessions if (key, str(user_id)) not in live}


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


def renew(connections: list[Connection]) -> set[Connection]:
    """Say that these are alive. Returns those that may not go on: they were deleted meanwhile, or
    their person's account or password is no longer what it was.
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
    return {connection for connection in connections if connection.pk not in going_on}
