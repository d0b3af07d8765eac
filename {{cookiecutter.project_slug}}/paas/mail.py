"""E-mail by SMTP, from ``EMAIL_URL``; ``python manage.py sendtestemail you@example.com`` tries it."""

from urllib.parse import unquote, urlsplit

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends import smtp

logger = structlog.get_logger(__name__)
# Seconds for each step of SMTP. A page that sends mail waits as long for a server that hangs.
TIMEOUT = 5


class EmailBackend(smtp.EmailBackend):
    """Django's SMTP backend, configured by EMAIL_URL.

    ``smtps://user:password@host:port`` is implicit TLS, ``smtp://`` is STARTTLS. Percent-encode
    special characters of the password.
    """

    def __init__(self, url: str, **options):
        parts = urlsplit(url)
        super().__init__(
            host=parts.hostname,
            port=parts.port,
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            use_ssl=parts.scheme == "smtps",
            use_tls=parts.scheme == "smtp",
            timeout=TIMEOUT,
            **options,
        )


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
