from django.conf import settings
from django.db import models


class Welcome(models.Model):
    """A person's welcome mail, which is on its way until ``sent_at``."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True
    )
    sent_at = models.DateTimeField(null=True)

    def __str__(self):
        return f"to {self.user}, sent at {self.sent_at}"
