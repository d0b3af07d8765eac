from urllib.parse import unquote, urlsplit

from django.core.mail.backends import smtp


class EmailBackend(smtp.EmailBackend):
    """Django's SMTP, told where to by a URL: smtps://user:password@host:port for TLS from the
    start, smtp:// for STARTTLS. What is special in the password must be percent-encoded.
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
