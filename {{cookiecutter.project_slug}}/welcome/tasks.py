from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import send_mail
from django.db import OperationalError, transaction
from django.template.loader import render_to_string
from django.utils import timezone

from config.celery import MAX_RETRY_SECONDS, app
from welcome.models import Welcome

MISSED_SECONDS = 3600
RETRIES = {
    # SMTP's errors are OSErrors.
    "autoretry_for": (OSError, OperationalError),
    "max_retries": 3,
    "retry_backoff": 30,
    "retry_backoff_max": MAX_RETRY_SECONDS,
}


def pending_recipients():
    """The people to send the mail to; no one while there is no mail server."""
    people = get_user_model().objects.filter(is_active=True, welcome__sent_at=None)
    return people.exclude(email="") if settings.MAILERS else people.none()


@app.task(**RETRIES)
def send_welcome(user_id: int) -> None:
    """Send the mail, unless it was sent, to this person or lately to another of their address.

    Sent first and recorded then: a worker that dies in between sends it twice, where the other
    order might never send it. Meanwhile a lock keeps a second delivery of the task out; not one on
    the account, which must be free to log in.
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
    """Whether none of these, all of one address, was sent within a day: a stranger who signs up
    again and again must not fill a mailbox.
    """
    since = timezone.now() - timedelta(days=1)
    return all(welcome.sent_at is None or welcome.sent_at < since for welcome in welcomes)


def send_welcome_mail(user) -> None:
    # Not the user's name: mail programs make links of it, to wherever a stranger likes.
    context = {"site_title": settings.SITE_NAME}
    subject = render_to_string("welcome/subject.txt", context).strip()
    body = render_to_string("welcome/body.txt", context)
    send_mail(subject, body, from_email=None, recipient_list=[user.email])


@app.task
def send_missed() -> None:
    """Queue the mails that people of the last day lack; the newest are in the queue already."""
    now = timezone.now()
    recent = pending_recipients().filter(
        date_joined__range=(now - timedelta(days=1), now - timedelta(minutes=15))
    )
    for user_id in recent.values_list("pk", flat=True):
        # By then it is queued anew.
        send_welcome.apply_async([user_id], expires=MISSED_SECONDS)


app.conf.beat_schedule["send missed welcome mails"] = {
    "task": "welcome.tasks.send_missed",
    "schedule": MISSED_SECONDS,
}
