"""Environment variables, for settings: validators, and what follows from one."""

from typing import Any
from urllib.parse import unquote, urlsplit

from environs import validate

is_mail_url = validate.Regexp(
    r"(smtps?://([^\s:/?#@]+:[^\s:/?#@]+@)?[\w.-]+(:[1-5]?\d{1,4})?)?$",
    error="Must have the form smtps://user:password@host:port, with :/?#@ percent-encoded.",
)

# Seconds for each step of SMTP. A page that sends mail waits as long for a server that hangs.
SMTP_TIMEOUT = 5


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
        "timeout": SMTP_TIMEOUT,
    }
