import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

BEAT_SECONDS = 15
# Two beats may be missed, and the third finds what has expired: offline within 55 seconds.
EXPIRY_SECONDS = 40


# By the database's own clock, the only one that all processes share.
EXPIRY = Now() - timedelta(seconds=EXPIRY_SECONDS)


class ConnectionQuerySet(models.QuerySet):
    def live(self):
        return self.filter(seen_at__gte=EXPIRY)

    def expired(self):
        return self.filter(seen_at__lt=EXPIRY)


class Connection(models.Model):
    """An open WebSocket of a person.

    ``session`` is a digest of the key of the session it belongs to, which ends with it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="connections"
    )
    session = models.CharField(max_length=64, db_index=True)
    seen_at = models.DateTimeField(db_default=Now(), db_index=True)

    objects = ConnectionQuerySet.as_manager()

    def __str__(self):
        return f"{self.user} since {self.seen_at}"


class Ticket(models.Model):
    """What opens one WebSocket without a cookie: see ``presence/tickets.py``.

    ``digest`` is the ticket's, which is not stored. The session's key is, as in the table of the
    sessions beside it, until the ticket is used or the next one is made after it has expired.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    session_key = models.CharField(max_length=40)
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    def __str__(self):
        return f"ticket of {self.created_at}"
