"""A valid production configuration, and the web process with it: by the command in the README."""

import re
from pathlib import Path
from typing import Any

from django.conf import settings

import paas

VALID_SETTINGS: dict[str, Any] = {
    "DEBUG": False,
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFG",
    "ALLOWED_HOSTS": ["www.example.com"],
    "SECURE_SSL_REDIRECT": True,
    "SECURE_HSTS_SECONDS": 3600,
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
    "REDIS_URL": "rediss://:password@localhost:6379",
    "CHANNEL_LAYERS": {"default": {"BACKEND": "paas.asgi.channel_layer.ChannelLayer"}},
    "BUCKET": {
        "access_key": "AKIAIOSFODNN7EXAMPLE",
        "secret_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "bucket_name": "uploads",
        "region_name": "us-east-1",
    },
}
SOURCE = Path(paas.__file__).parents[1]
README = (SOURCE.parent / "README.md").read_text()
ENVIRONMENT = {
    "DEBUG": "false",
    "DJANGO_SETTINGS_MODULE": "example.settings",
    "PYTHONPATH": f"{SOURCE}:.",
    "SECRET_KEY": VALID_SETTINGS["SECRET_KEY"],
    "ALLOWED_HOSTS": "127.0.0.1",
    # Nothing listens on port 1: the web process must start without a database.
    "DATABASE_URL": "postgres://localhost:1/none",
    "REDIS_URL": "redis://localhost:1",
    # As on Heroku.
    "WEB_CONCURRENCY": "2",
    "GUNICORN_CMD_ARGS": "--access-logfile -",
}
HTTPS = {"X-Forwarded-Proto": "https"}


def web_command(module: str) -> str:
    """The README's command for SITE_SERVER, with ``application`` of that module."""
    interface, _, server = settings.SITE_SERVER.partition("-")
    [command] = re.findall(rf"^\| .+ \| `({server}\b.* .+)` \|$", README, re.MULTILINE)
    return command.replace(f"mysite.{interface}", module)
