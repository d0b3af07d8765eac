from collections.abc import Iterable
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import timezone

from welcome.models import Welcome

RETRIES = {
    "autoretry_for": (Exception,),  # of the mail server or service, or the database
    "max_retries": 3,
    "retry_backoff": 30,
}


def pending_recipients():
    """The users who were not sent the mail; none if MAILERS is empty.

    With mandatory verification, only users with a confirmed address: another may be someone else's.
    """
    users = get_user_model().objects.filter(is_active=True, welcome__sent_at=None)
    if settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory":
        users = users.filter(emailaddress__email__iexact=F("email"), emailaddress__verified=True)
    return users.exclude(email="") if settings.MAILERS else users.none()


@shared_task(**RETRIES)
def send_welcome(user_id: int) -> None:
    """Send the mail, unless it was sent already, or one to the same address within a day.

    ``sent_at`` is set after sending: if the worker is lost in between, the mail is sent twice. The
    other way round it might never be sent. Rows of ``Welcome`` are locked while it is sent, so a
    second delivery of the task does nothing. Rows of users are not locked, as logins update them.
    """
    if user := pending_recipients().filter(pk=user_id).first():
        Welcome.objects.get_or_create(user=user)
        with transaction.atomic():
            of_address = Welcome.objects.filter(user__email__iexact=user.email)
            locked = of_address.select_for_update(skip_locked=True, of=("self",))
            welcomes = {welcome.pk: welcome for welcome in locked}
            if len(welcomes) == of_address.count() and is_within_limit(welcomes.values()):
                send_welcome_mail(user)
                welcomes[user.pk].sent_at = timezone.now()
                welcomes[user.pk].save()


def is_within_limit(welcomes: Iterable[Welcome]) -> bool:
    """Whether none of these welcomes, which share an email address, was sent within a day.

    Without a limit, repeated sign-ups with someone's address would flood that mailbox.
    """
    since = timezone.now() - timedelta(days=1)
    return all(welcome.sent_at is None or welcome.sent_at < since for welcome in welcomes)


def send_welcome_mail(user) -> None:
    # Not the username: mail programs turn one such as "example.com" into a link.
    context = {"site_title": settings.SITE_NAME}
    subject = render_to_string("welcome/subject.txt", context).strip()
    body = render_to_string("welcome/body.txt", context)
    send_mail(subject, body, from_email=None, recipient_list=[user.email])


@shared_task
def send_missed() -> None:
    """Queue the mail for users of the last day who have none. Runs hourly (``config/celery.py``).

    Users of the last 15 minutes are left out: their task may still be in the queue.
    """
    now = timezone.now()
    recent = pending_recipients().filter(
        date_joined__range=(now - timedelta(days=1), now - timedelta(minutes=15))
    )
    for user_id in recent.values_list("pk", flat=True):
        # The next run queues it again.
        send_welcome.apply_async([user_id], expires=3600)
