from urllib.parse import unquote, urlsplit

from django.core.mail.backends import smtp


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
            timeout=10,
            **options,
        )
