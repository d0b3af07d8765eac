"""Settings from environment variables: MAILERS from EMAIL_URL, a bucket from AWS_...."""

from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from environs import Env, EnvValidationError, validate

NOT_UTF_8 = "Must be in UTF-8: save it so in your editor. PowerShell's > may write UTF-16."

is_mail_url = validate.Regexp(
    r"(smtps?://([^\s:/?#@]+:[^\s:/?#@]+@)?[\w.-]+(:[1-5]?\d{1,4})?)?$",
    error="Must have the form smtps://user:password@host:port, with :/?#@ percent-encoded.",
)

# Of a bucket, and the option of paas.storage.bucket.Bucket that each sets.
BUCKET_VARIABLES = {
    "AWS_ACCESS_KEY_ID": "access_key",
    "AWS_SECRET_ACCESS_KEY": "secret_key",
    "AWS_STORAGE_BUCKET_NAME": "bucket_name",
    "AWS_S3_REGION_NAME": "region_name",
}
SMTP = "django.core.mail.backends.smtp.EmailBackend"
# Seconds for each step of SMTP. A page that sends mail waits as long for a server that hangs.
SMTP_TIMEOUT = 5


def read_env(env: Env, path: Path) -> None:
    """Read the file, if there is one. Raises EnvValidationError, with its name, if it is not UTF-8."""
    try:
        is_utf_8 = not path.is_file() or "\0" not in path.read_text("utf-8")  # NUL: of UTF-16
    except UnicodeDecodeError:
        is_utf_8 = False
    if not is_utf_8:
        raise EnvValidationError(f"{path}: {NOT_UTF_8}", {path.name: [NOT_UTF_8]})
    env.read_env(path, recurse=False)


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


def mailers(url: str, debug: bool) -> dict[str, dict[str, Any]]:
    """MAILERS for EMAIL_URL. Without one there is no mailer, and development prints mail."""
    if url:
        return {"default": {"BACKEND": SMTP, "OPTIONS": smtp_options(url)}}
    if debug:
        return {"default": {"BACKEND": "django.core.mail.backends.console.EmailBackend"}}
    return {}


def sends_mail(mailers: dict[str, dict[str, Any]]) -> bool:
    """Whether mail goes out, by SMTP or by a service's API: Django's other backends keep it here."""
    backend = mailers.get("default", {}).get("BACKEND", "")
    return bool(backend) and (backend == SMTP or not backend.startswith("django.core.mail."))


def bucket_options(env: Env, platform: str) -> dict[str, str]:
    """The OPTIONS of ``paas.storage.bucket.Bucket``, from BUCKET_VARIABLES; "" for what is not set.

    The module ``platform`` has the service's host.
    """
    options = {option: env.str(name, "") for name, option in BUCKET_VARIABLES.items()}
    host = import_module(platform).BUCKET_HOST.format(**options)
    return options | {"endpoint_url": f"https://{host}"}


def bucket_origin(options: dict[str, str]) -> str:
    """Where the URLs of the bucket's files lead, for the Content Security Policy."""
    return options["endpoint_url"].replace("://", f"://{options['bucket_name']}.")
