"""Deploy checks: production does not start misconfigured.

The release command runs them by ``manage.py check --deploy`` before it migrates; web and worker
processes run them when they start. The platform's build, which has no configuration, does not.
"""

import os
import re
import sys
from collections.abc import Iterable
from runpy import run_path
from typing import NoReturn

from django.conf import settings
from django.core.checks import Error, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from environs import EnvValidationError

NEW_SECRET_KEY_COMMAND = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"  # noqa: S105 (a command)
# <% if cookiecutter.platform == "heroku" %>
HINTS = {
    "SECRET_KEY": f'heroku config:set SECRET_KEY="$({NEW_SECRET_KEY_COMMAND})"',
    "ALLOWED_HOSTS": "heroku config:set ALLOWED_HOSTS=www.example.com",
    "DATABASE_URL": "heroku addons:create heroku-postgresql:essential-0",
    "REDIS_URL": "heroku addons:create heroku-redis:mini",
    "DEBUG": "heroku config:unset DEBUG",
    "WEB_THREADS": "heroku config:set WEB_THREADS=3",
}
OTHER_HINT = "heroku config:set {}=..."
# <% else %>
HINTS = {
    "SECRET_KEY": f"In the app spec, envs, SECRET_KEY, value: the output of {NEW_SECRET_KEY_COMMAND}",
    "ALLOWED_HOSTS": "In the app spec, envs, ALLOWED_HOSTS, value: ${APP_DOMAIN}",
    "DATABASE_URL": "In the app spec, envs, DATABASE_URL, value: ${db.DATABASE_URL}",
    "REDIS_URL": "In the app spec, envs, REDIS_URL, value: ${valkey.DATABASE_URL}",
    "DEBUG": "In the app spec, envs, DEBUG: delete it",
    "WEB_THREADS": "In the app spec, envs, WEB_THREADS, value: 3",
}
OTHER_HINT = "In the app spec, envs, {}."
# <% endif %>


def deploy_error(number: int, name: str, sentence: str) -> Error:
    """An error about an environment variable or a setting; its hint is how to set that here."""
    hint = HINTS.get(name, f"See {name} in config/settings.py.")
    return Error(f"{name} {sentence}", hint=hint, id=f"config.E{number:03}")


@register(deploy=True)
def check_environment(app_configs=None, **kwargs) -> list[Error]:
    """One error for each problem of the configuration."""
    return [found for check in CHECKS if (found := check())]


@register(deploy=True)
def check_server(app_configs=None, **kwargs) -> list[Error]:
    """Import what the web process runs: it would fail only after the release."""
    if check_environment():  # the application would end this process
        return []
    try:
        # <% if cookiecutter.__app_server == "gunicorn" %>
        worker = run_path(f"{settings.BASE_DIR}/gunicorn.conf.py")["worker_class"]
        if "." in worker:  # and not one of Gunicorn's own, such as "gthread"
            import_string(worker)
        # <% else %>
        run_path(f"{settings.BASE_DIR}/config/{{ cookiecutter.__app_server }}.py")
        # <% endif %>
        import_string("config.{{ cookiecutter.__interface }}.application")
    except Exception as error:  # noqa: BLE001 (code of any kind)
        cause = error.__cause__ or error  # import_string() hides an AttributeError in the module
        sentence = f"The server cannot start: {type(cause).__name__}: {cause}."
        hint = "Run the tests: they start it, and show the traceback."
        return [Error(sentence, hint=hint, id="config.E012")]
    return []


def load_settings() -> None:
    """Load the settings; exit with a sentence for each invalid environment variable."""
    try:
        settings.DEBUG  # noqa: B018 (the first access loads all)
    except EnvValidationError as error:
        # env.seal() collected them by name; the stubs know of a list only.
        invalid = error.error_messages.items()  # type: ignore[union-attr]
        exit_with_errors(f"{name}: {' '.join(messages)}" for name, messages in invalid)


def refuse_misconfiguration() -> None:
    """Exit with a sentence for each error of check_environment(), except in development.

    Development has DEBUG on, and no PORT, which a platform sets for the web process.
    """
    is_development = settings.DEBUG and "PORT" not in os.environ
    if not is_development and (errors := check_environment()):
        exit_with_errors(f"{error.msg} {error.hint}" for error in errors)


def exit_with_errors(sentences: Iterable[str]) -> NoReturn:
    """Print the sentences and exit with status 3, at which Gunicorn does not restart a worker."""
    print(*sentences, sep="\n", file=sys.stderr)
    sys.exit(3)


def check_secret_key() -> Error | None:
    try:
        secret_key = settings.SECRET_KEY
    except ImproperlyConfigured:
        return deploy_error(1, "SECRET_KEY", "is not set.")
    guessable = len(secret_key) < 50 or len(set(secret_key)) < 10 or " " in secret_key
    if guessable or secret_key.startswith("django-insecure-"):
        return deploy_error(1, "SECRET_KEY", "is too easy to guess: use 50 random characters.")
    return None


# A host name, an IPv6 address, or all names in a domain, but not in a whole ".com".
HOST = re.compile(r"(\.[A-Za-z0-9-]+\.)?[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]")


def check_allowed_hosts() -> Error | None:
    if not settings.ALLOWED_HOSTS:
        return deploy_error(2, "ALLOWED_HOSTS", "is not set.")
    if "*" in settings.ALLOWED_HOSTS:
        return deploy_error(2, "ALLOWED_HOSTS", "must name the hosts instead of '*'.")
    for host in settings.ALLOWED_HOSTS:
        if not HOST.fullmatch(host):
            return deploy_error(2, "ALLOWED_HOSTS", f"holds {host!r}, which is no host name.")
    return None


POSTGRESQL = "django.db.backends.postgresql"


def check_database() -> Error | None:
    engine = settings.DATABASES["default"].get("ENGINE", "django.db.backends.dummy")
    if engine == "django.db.backends.dummy":
        return deploy_error(3, "DATABASE_URL", "is not set.")
    if engine != POSTGRESQL:
        return deploy_error(3, "DATABASE_URL", "must name a PostgreSQL database.")
    return None


def check_database_encryption() -> Error | None:
    database = settings.DATABASES["default"]
    if database.get("ENGINE") != POSTGRESQL:
        return None
    # PostgreSQL's default, "prefer", connects without encryption if the server has none.
    mode = database.get("OPTIONS", {}).get("sslmode", "prefer")
    is_local = database.get("HOST") in ("", "localhost", "127.0.0.1", "::1")
    # With DEBUG on, check_debug() reports it.
    if mode in ("disable", "allow", "prefer") and not is_local and not settings.DEBUG:
        return deploy_error(11, "sslmode", f"of DATABASE_URL must be 'require', not {mode!r}.")
    return None


def check_debug() -> Error | None:
    if settings.DEBUG:
        return deploy_error(
            5, "DEBUG", "must be off: its error pages show code and settings to anyone."
        )
    return None


def check_https() -> Error | None:
    cookies = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")
    names = ("SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS", *cookies)
    off = [name for name in names if not getattr(settings, name)]
    # DEBUG turns all of them off; check_debug() reports that.
    if off and not settings.DEBUG:
        return deploy_error(6, ", ".join(off), "must be on, or passwords travel in the clear.")
    return None


def check_sessions() -> Error | None:
    cache = settings.CACHES[settings.SESSION_CACHE_ALIAS]["BACKEND"]
    if "cache" in settings.SESSION_ENGINE and cache.endswith(("LocMemCache", "DummyCache")):
        return deploy_error(
            7, "SESSION_ENGINE", "needs a cache in CACHES that all processes share."
        )
    return None


# Database connections of a process besides those of WEB_THREADS: one for /readyz and, under ASGI,
# one for all WebSocket consumers.
# <% if cookiecutter.__interface == "asgi" %>
EXTRA_CONNECTIONS = 2
# <% else %>
EXTRA_CONNECTIONS = 1
# <% endif %>


def check_database_connections() -> Error | None:
    threads, processes = settings.WEB_THREADS, settings.WEB_CONCURRENCY
    connections = processes * (threads + EXTRA_CONNECTIONS)
    if connections > (limit := settings.DATABASE_CONNECTION_LIMIT):
        opened = (
            f"is {threads} in {processes} processes, which open up to {connections} connections"
        )
        return deploy_error(
            10, "WEB_THREADS", f"{opened}: more than DATABASE_CONNECTION_LIMIT, {limit}."
        )
    return None


CHECKS = [
    check_secret_key,
    check_allowed_hosts,
    check_database,
    check_database_encryption,
    check_debug,
    check_https,
    check_sessions,
    check_database_connections,
]
# <% if cookiecutter.__redis == "yes" %>


def check_redis() -> Error | None:
    if not settings.REDIS_URL:
        return deploy_error(4, "REDIS_URL", "is not set.")
    if not re.match(r"rediss?://([^/@]*@)?[\w.-]+(:\d+)?([/?]|$)", settings.REDIS_URL):
        return deploy_error(4, "REDIS_URL", "must have the form rediss://:password@host:port.")
    return None


CHECKS.append(check_redis)
# <% endif %>
# <% if cookiecutter.__interface == "asgi" %>


def check_channel_layer() -> Error | None:
    layer = settings.CHANNEL_LAYERS["default"]["BACKEND"]
    if settings.REDIS_URL and layer.endswith("InMemoryChannelLayer"):
        return deploy_error(8, "CHANNEL_LAYERS", "must name a layer that all processes share.")
    return None


CHECKS.append(check_channel_layer)
# <% endif %>
