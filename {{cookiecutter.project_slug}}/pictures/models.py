from functools import partial
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver


def random_name(picture, filename: str) -> str:
    return f"pictures/{uuid4()}.webp"


class Picture(models.Model):
    """A user's picture."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True
    )
    image = models.ImageField(upload_to=random_name)

    def __str__(self):
        return f"of {self.user}"


def replace_picture(user, content) -> None:
    """Store ``content``, of ``validate_and_reencode()``, as the user's picture; delete the old one.

    Raises OSError if it cannot be stored; the old one is kept then.
    """
    # ``user_id`` instead of ``user``, which would set ``user.picture`` before the file is stored.
    picture = Picture(user_id=user.pk)
    picture.image.save(content.name, content, save=False)
    with transaction.atomic():
        # Lock: the second of two concurrent uploads must find, and delete, the first one's file.
        get_user_model().objects.select_for_update().get(pk=user.pk)
        old = Picture.objects.filter(user=user).first()
        picture.save()
        if old:
            delete_file(Picture, old)


@receiver(post_delete, sender=Picture)
def delete_file(sender, instance, **kwargs):
    """Delete the picture's file after the commit: a rollback would keep the row."""
    image = instance.image
    transaction.on_commit(partial(image.storage.delete, image.name), robust=True)
