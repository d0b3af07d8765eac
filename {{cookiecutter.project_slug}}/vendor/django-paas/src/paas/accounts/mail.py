"""Email by MAILERS; ``python manage.py sendtestemail you@example.com`` tries it."""

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
    except Exception as error:  # noqa: BLE001 (smtplib's are OSErrors, those of a service's API are not)
        reason = f"{type(error).__name__}: {error}"
        logger.error("mail not sent", subject=message.subject, reason=reason)
