"""Tasks of paas: mail, so that no page waits for the mail server; and expired sessions."""

import structlog
from celery import shared_task
from django.core.mail import EmailMessage
from django.core.management import call_command

from paas.accounts.mail import send
from paas.celery.backend import run  # noqa: F401 (a worker imports this module)
from paas.conf import settings

logger = structlog.get_logger(__name__)


@shared_task(
    autoretry_for=(Exception,),  # smtplib's are OSErrors, those of a service's API are not
    max_retries=4,
    retry_backoff=15,
    expires=3600,
)
def send_mail(subject: str, body: str, from_email: str, to: list[str]) -> None:
    """Send a mail; if the mail server is unavailable, try again for about four minutes."""
    EmailMessage(subject, body, from_email, to).send()


def queue_mail(message: EmailMessage) -> None:
    """Queue the message for a worker; send it now while Redis is unavailable."""
    if not settings.MAILERS:
        send(message)  # which logs that it cannot
        return
    try:
        send_mail.delay(message.subject, message.body, message.from_email, message.to)
    except Exception as error:  # noqa: BLE001 (of Redis, or of a task that runs in this process)
        logger.error("mail not queued", reason=f"{type(error).__name__}: {error}")
        send(message)


@shared_task
def clear_sessions() -> None:
    """Delete expired sessions; for ``beat_schedule``."""
    call_command("clearsessions")
