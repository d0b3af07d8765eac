import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

# A row survives two missed heartbeats of 15 s; the third deletes it, within 60 s.
EXPIRY_SECONDS = 40
# By the database's clock, which all processes share.
EXPIRY = Now() - timedelta(seconds=EXPIRY_SECONDS)


class ConnectionQuerySet(models.QuerySet):
    def live(self):
        return self.filter(seen_at__gte=EXPIRY)

    def expired(self):
        return self.filter(seen_at__lt=EXPIRY)


class Connection(models.Model):
    """An open WebSocket; ``session`` is session_digest() of its session key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="connections"
    )
    session = models.CharField(max_length=64, db_index=True)
    seen_at = models.DateTimeField(db_default=Now(), db_index=True)

    objects = ConnectionQuerySet.as_manager()

    def __str__(self):
        return f"{self.user}, last seen {self.seen_at}"
