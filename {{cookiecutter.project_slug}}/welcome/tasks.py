from collections.abc import Iterable
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import send_mail
from django.db import OperationalError, transaction
from django.template.loader import render_to_string
from django.utils import timezone

from paas.celery import MAX_RETRY_SECONDS
from welcome.models import Welcome

RETRIES = {
    # smtplib's errors are OSErrors.
    "autoretry_for": (OSError, OperationalError),
    "max_retries": 3,
    "retry_backoff": 30,
    "retry_backoff_max": MAX_RETRY_SECONDS,
}


def pending_recipients():
    """Everyone who has not had the mail; no one if MAILERS is empty."""
    people = get_user_model().objects.filter(is_active=True, welcome__sent_at=None)
    return people.exclude(email="") if settings.MAILERS else people.none()


@shared_task(**RETRIES)
def send_welcome(user_id: int) -> None:
    """Send the mail, unless this person has had it, or the address has had one within a day.

    The mail is recorded after it is sent: if the worker is lost in between, it is sent twice. In
    the other order it might never be sent. The rows of ``Welcome`` are locked meanwhile, so that a
    second delivery of the task does nothing. The user's row is not, as a login updates it.
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
    """Whether none of these, which share an address, was sent within a day.

    Without a limit, anyone could fill a mailbox by signing up with its address again and again.
    """
    since = timezone.now() - timedelta(days=1)
    return all(welcome.sent_at is None or welcome.sent_at < since for welcome in welcomes)


def send_welcome_mail(user) -> None:
    # Without the user's name: mail programs turn a name such as "example.com" into a link.
    context = {"site_title": settings.SITE_NAME}
    subject = render_to_string("welcome/subject.txt", context).strip()
    body = render_to_string("welcome/body.txt", context)
    send_mail(subject, body, from_email=None, recipient_list=[user.email])


@shared_task
def send_missed() -> None:
    """Queue the mail for people of the last day who lack it. Runs hourly (``config/celery.py``).

    The last 15 minutes are left out: the mail of those people is still in the queue.
    """
    now = timezone.now()
    recent = pending_recipients().filter(
        date_joined__range=(now - timedelta(days=1), now - timedelta(minutes=15))
    )
    for user_id in recent.values_list("pk", flat=True):
        # The next run queues it again.
        send_welcome.apply_async([user_id], expires=3600)
