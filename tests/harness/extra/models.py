from django.db import models


class Row(models.Model):
    """What a view leaves behind, so that a test sees whether it ran."""

    name = models.CharField(max_length=100)
    number = models.IntegerField(default=0)
