"""A login or logout is sent to every open page."""

from asgiref.sync import async_to_sync
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from paas.presence.limits import may_send
from paas.presence.models import is_online

from presence.people import broadcast


@receiver(user_logged_in)
def broadcast_login(sender, user, **kwargs):
    if may_send(user):
        async_to_sync(broadcast)(user, is_online(user), "logged in")


@receiver(user_logged_out)
def broadcast_logout(sender, user, **kwargs):
    if user is not None and may_send(user):
        async_to_sync(broadcast)(user, is_online(user), "logged out")
