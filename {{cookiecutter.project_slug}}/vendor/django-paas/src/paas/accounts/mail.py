"""Email by SMTP; ``python manage.py sendtestemail you@example.com`` tries it."""

import structlog
from django.core.mail import EmailMessage

from paas.conf import settings

logger = structlog.get_logger(__name__)


def send(message: EmailMessage) -> None:
    """Send the message now. Without a mail server, or if it is unavailable, log that instead.

    A page must work while no mail can be sent.
    """
    if not settings.MAILERS:
        logger.warning("mail not sent", subject=message.subject, reason="EMAIL_URL is not set")
        return
    try:
        message.send()
    except OSError as error:  # smtplib's errors are OSErrors
        reason = f"{type(error).__name__}: {error}"
        logger.error("mail not sent", subject=message.subject, reason=reason)
