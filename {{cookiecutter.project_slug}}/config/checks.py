"""Refuse to go live misconfigured.

The release command runs these with ``manage.py check --deploy``, before it migrates; the web
process runs them again when it starts, so neither ever serves with something missing. The build,
which has no configuration yet, runs neither.
"""

import sys

from django.conf import settings
from django.core.checks import Error, register
from django.core.exceptions import ImproperlyConfigured

# <% if cookiecutter.platform == "heroku" %>
HOW_TO_SET = "heroku config:set {name}={example}"
# <% else %>
HOW_TO_SET = "In the app spec, under envs: key {name}, scope RUN_TIME, value {example}"
# <% endif %>


def problem(number: int, name: str, sentence: str, example: str) -> Error:
    """An error about the environment variable ``name``, with how to set it as its hint."""
    return Error(
        f"{name} {sentence}",
        hint=HOW_TO_SET.format(name=name, example=example),
        id=f"config.E{number:03}",
    )


@register(deploy=True)
def check_environment(app_configs=None, **kwargs) -> list[Error]:
    """Every problem that must keep this configuration from going live; none if it may."""
    return [found for check in CHECKS if (found := check())]


def refuse_misconfiguration() -> None:
    """End the process with one sentence per problem, unless it may go live or is development."""
    if not settings.DEBUG and (problems := check_environment()):
        print(*(f"{problem.msg} {problem.hint}" for problem in problems), sep="\n", file=sys.stderr)
        # The status that tells Gunicorn to give up, where it would start a worker over and over.
        sys.exit(3)


def check_secret_key() -> Error | None:
    example = "$(python3 -c 'import secrets; print(secrets.token_urlsafe(50))')"
    try:
        secret_key = settings.SECRET_KEY
    except ImproperlyConfigured:
        return problem(1, "SECRET_KEY", "is not set.", example)
    if len(secret_key) < 50 or len(set(secret_key)) < 5:
        return problem(1, "SECRET_KEY", "is too easy to guess: use 50 random characters.", example)
    return None


def check_allowed_hosts() -> Error | None:
    example = "www.example.com"
    if not settings.ALLOWED_HOSTS:
        return problem(2, "ALLOWED_HOSTS", "is not set.", example)
    if "*" in settings.ALLOWED_HOSTS:
        return problem(2, "ALLOWED_HOSTS", "must name the hosts instead of '*'.", example)
    return None


def check_database() -> Error | None:
    engine = settings.DATABASES["default"].get("ENGINE", "django.db.backends.dummy")
    example = "postgres://user:password@host:5432/name"
    if engine == "django.db.backends.dummy":
        return problem(3, "DATABASE_URL", "is not set.", example)
    if engine != "django.db.backends.postgresql":
        return problem(3, "DATABASE_URL", "must name a PostgreSQL database.", example)
    return None


CHECKS = [check_secret_key, check_allowed_hosts, check_database]
# <% if cookiecutter.__interface == "asgi" %>


def check_redis() -> Error | None:
    if not settings.REDIS_URL:
        return problem(4, "REDIS_URL", "is not set.", "rediss://:password@host:6379")
    return None


CHECKS.append(check_redis)
# <% endif %>
