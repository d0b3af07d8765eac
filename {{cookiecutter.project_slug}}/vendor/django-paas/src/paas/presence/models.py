import uuid
from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.dispatch import receiver

from paas.asgi.sessions import session_digest, session_ended

# A row survives two missed heartbeats of 15 s; the third deletes it, within 60 s.
EXPIRY_SECONDS = 40
# By the database's clock, which all processes share.
EXPIRY = Now() - timedelta(seconds=EXPIRY_SECONDS)


class OpenWebSocketQuerySet(models.QuerySet["OpenWebSocket"]):
    def live(self):
        return self.filter(seen_at__gte=EXPIRY)

    def expired(self):
        return self.filter(seen_at__lt=EXPIRY)

    def renew(self, rows: Collection["OpenWebSocket"]) -> set["OpenWebSocket"]:
        """Update ``seen_at`` of the rows. Returns those that have been deleted."""
        stored = self.filter(pk__in=[row.pk for row in rows])
        renewed = set(stored.values_list("pk", flat=True))
        self.filter(pk__in=renewed).update(seen_at=Now())
        return {row for row in rows if row.pk not in renewed}


class OpenWebSocket(models.Model):
    """A WebSocket that is open; ``session`` is session_digest() of its session key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="open_websockets"
    )
    session = models.CharField(max_length=64, db_index=True)
    seen_at = models.DateTimeField(db_default=Now(), db_index=True)

    objects = OpenWebSocketQuerySet.as_manager()

    def __str__(self):
        return f"{self.user}, last seen {self.seen_at}"


def annotate_online(users: models.QuerySet) -> models.QuerySet:
    """Return the users with an attribute ``online``, True or False."""
    websockets = OpenWebSocket.objects.live().filter(user=models.OuterRef("pk"))
    return users.annotate(online=models.Exists(websockets))


def is_online(user) -> bool:
    return user.open_websockets.live().exists()


def add(user, session_key: str, limit: int) -> tuple[OpenWebSocket | None, bool]:
    """Store a row. Returns it, and whether the user was offline before; None, False if the user
    has ``limit`` rows already.
    """
    before = user.open_websockets.live().count()
    if before >= limit:
        return None, False
    return user.open_websockets.create(session=session_digest(session_key)), before == 0


def remove(row: OpenWebSocket):
    """Delete the row. Returns the user, read again, if they are offline now; else None."""
    deleted, _ = OpenWebSocket.objects.filter(pk=row.pk).delete()
    if not deleted or is_online(row.user):
        return None
    # From the database: the user name may have changed since the page was opened.
    return type(row.user).objects.filter(pk=row.user.pk).first()


@receiver(session_ended)
def delete_rows(sender, session_key, **kwargs):
    """Delete the rows before the WebSockets close, which would send "went offline" for the last."""
    OpenWebSocket.objects.filter(session=session_digest(session_key)).delete()
