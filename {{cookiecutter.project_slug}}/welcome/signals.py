from functools import partial

from allauth.account.signals import email_confirmed
from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from welcome.tasks import send_welcome


@receiver(post_save, sender=settings.AUTH_USER_MODEL)
def queue_after_sign_up(sender, instance, created, raw, **kwargs):
    if created and not raw:
        queue_welcome(instance.pk)


@receiver(email_confirmed)
def queue_after_confirmation(sender, email_address, **kwargs):
    """With mandatory verification the mail waits for it. A later address gets none."""
    if email_address.user.last_login is None:
        queue_welcome(email_address.user_id)


def queue_welcome(user_id: int) -> None:
    """Queue the mail after the commit, as the worker reads the user from the database.

    ``robust`` logs an error instead of raising it: sign-up must work while Redis is unavailable.
    """
    transaction.on_commit(partial(send_welcome.delay, user_id), robust=True)
