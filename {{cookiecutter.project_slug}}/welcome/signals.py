from functools import partial

from allauth.account.signals import email_confirmed
from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from welcome.tasks import send_welcome


@receiver(post_save, sender=settings.AUTH_USER_MODEL)
def queue_welcome(sender, instance, created, raw, **kwargs):
    """Queue the mail after the commit, as the worker reads the user from the database.

    ``robust`` logs an error instead of raising it: sign-up must work while Redis is unavailable.
    """
    if created and not raw:
        transaction.on_commit(partial(send_welcome.delay, instance.pk), robust=True)


@receiver(email_confirmed)
def queue_confirmed(sender, email_address, **kwargs):
    """Queue it for those who had to confirm their address first."""
    transaction.on_commit(partial(send_welcome.delay, email_address.user_id), robust=True)
