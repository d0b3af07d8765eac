from django.db import models
from extra import counts

# Imported here to connect its signal receivers before the first request.
__all__ = ["Row", "counts"]


class Row(models.Model):
    """What a view leaves behind, so that a test sees whether it ran."""

    name = models.CharField(max_length=100)
    number = models.IntegerField(default=0)
