"""E-mail by SMTP; ``python manage.py sendtestemail you@example.com`` tries it."""

from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from django.core.mail import EmailMessage

from paas.conf import settings

logger = structlog.get_logger(__name__)
# Seconds for each step of SMTP. A page that sends mail waits as long for a server that hangs.
TIMEOUT = 5


def smtp_options(url: str) -> dict[str, Any]:
    """The OPTIONS of Django's SMTP backend in MAILERS.

    ``smtps://user:password@host:port`` is implicit TLS, ``smtp://`` is STARTTLS. Percent-encode
    special characters of the password.
    """
    parts = urlsplit(url)
    return {
        "host": parts.hostname,
        "port": parts.port,
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_ssl": parts.scheme == "smtps",
        "use_tls": parts.scheme == "smtp",
        "timeout": TIMEOUT,
    }


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
