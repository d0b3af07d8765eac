from django.conf import settings
from django.db import models


class Welcome(models.Model):
    """A user's welcome mail; ``sent_at`` is null until it is sent."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True
    )
    sent_at = models.DateTimeField(null=True)

    def __str__(self):
        return f"to {self.user}, sent at {self.sent_at}"
