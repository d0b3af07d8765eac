"""Refuse to go live misconfigured.

The release command runs these with ``manage.py check --deploy``, before it migrates; the web
process runs them again when it starts, so neither ever serves with something missing. The build,
which has no configuration yet, runs neither.
"""

import re
import sys
from collections.abc import Iterable
from typing import NoReturn

from django.conf import settings
from django.core.checks import Error, register
from django.core.exceptions import ImproperlyConfigured

RANDOM = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"
# <% if cookiecutter.platform == "heroku" %>
HINTS = {
    "SECRET_KEY": f'heroku config:set SECRET_KEY="$({RANDOM})"',
    "ALLOWED_HOSTS": "heroku config:set ALLOWED_HOSTS=www.example.com",
    "DATABASE_URL": "heroku addons:create heroku-postgresql:essential-0",
    "REDIS_URL": "heroku addons:create heroku-redis:mini",
}
# <% else %>
HINTS = {
    "SECRET_KEY": f"In the app spec, envs, SECRET_KEY, value: the output of {RANDOM}",
    "ALLOWED_HOSTS": "In the app spec, envs, ALLOWED_HOSTS, value: ${APP_DOMAIN}",
    "DATABASE_URL": "In the app spec, envs, DATABASE_URL, value: ${db.DATABASE_URL}",
    "REDIS_URL": "In the app spec, envs, REDIS_URL, value: ${valkey.DATABASE_URL}",
}
# <% endif %>


def problem(number: int, name: str, sentence: str) -> Error:
    """An error about the environment variable ``name``; its hint is how to set that here."""
    return Error(f"{name} {sentence}", hint=HINTS[name], id=f"config.E{number:03}")


@register(deploy=True)
def check_environment(app_configs=None, **kwargs) -> list[Error]:
    """Every problem that must keep this configuration from going live; none if it may."""
    return [found for check in CHECKS if (found := check())]


def refuse_misconfiguration() -> None:
    """End the process with one sentence per problem, unless it may go live or is development."""
    if not settings.DEBUG and (errors := check_environment()):
        refuse(f"{error.msg} {error.hint}" for error in errors)


def refuse(sentences: Iterable[str]) -> NoReturn:
    """Print the sentences and end the process."""
    print(*sentences, sep="\n", file=sys.stderr)
    # The status that tells Gunicorn to give up, where it would start a worker over and over.
    sys.exit(3)


def check_secret_key() -> Error | None:
    try:
        secret_key = settings.SECRET_KEY
    except ImproperlyConfigured:
        return problem(1, "SECRET_KEY", "is not set.")
    guessable = len(secret_key) < 50 or len(set(secret_key)) < 10 or " " in secret_key
    if guessable or secret_key.startswith("django-insecure-"):
        return problem(1, "SECRET_KEY", "is too easy to guess: use 50 random characters.")
    return None


def check_allowed_hosts() -> Error | None:
    if not settings.ALLOWED_HOSTS:
        return problem(2, "ALLOWED_HOSTS", "is not set.")
    if "*" in settings.ALLOWED_HOSTS:
        return problem(2, "ALLOWED_HOSTS", "must name the hosts instead of '*'.")
    for host in settings.ALLOWED_HOSTS:
        if not re.fullmatch(r"\.?[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]", host):
            return problem(2, "ALLOWED_HOSTS", f"holds {host!r}, which is no host name.")
    return None


def check_database() -> Error | None:
    engine = settings.DATABASES["default"].get("ENGINE", "django.db.backends.dummy")
    if engine == "django.db.backends.dummy":
        return problem(3, "DATABASE_URL", "is not set.")
    if engine != "django.db.backends.postgresql":
        return problem(3, "DATABASE_URL", "must name a PostgreSQL database.")
    return None


CHECKS = [check_secret_key, check_allowed_hosts, check_database]
# <% if cookiecutter.__interface == "asgi" %>


def check_redis() -> Error | None:
    if not settings.REDIS_URL:
        return problem(4, "REDIS_URL", "is not set.")
    if not re.match(r"rediss?://([^/@]*@)?[\w.-]+(:\d+)?([/?]|$)", settings.REDIS_URL):
        return problem(4, "REDIS_URL", "must have the form rediss://:password@host:port.")
    return None


CHECKS.append(check_redis)
# <% endif %>
