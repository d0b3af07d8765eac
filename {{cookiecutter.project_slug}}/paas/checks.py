"""Deploy checks: production does not start misconfigured.

The release command runs them by ``manage.py check --deploy`` before it migrates; the processes of
the site run them when they start. The platform's build, which has no configuration, does not.
"""

import pkgutil
import re
from collections.abc import Callable
from importlib import import_module

from django.conf import settings
from django.core.checks import Error, register
from django.core.exceptions import ImproperlyConfigured

from paas import servers
from paas.database_url import POSTGRESQL

# A host name, an IPv6 address, or ".example.com" for a domain with its subdomains, but not ".com".
HOST = re.compile(r"(\.[A-Za-z0-9-]+\.)?[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]")

Check = Callable[[], Error | None]
CHECKS: list[Check] = []
# Each opens a database connection per process, besides those of WEB_THREADS. Other modules add theirs.
EXTRA_CONNECTIONS = {"/readyz"}


def environment_check(check: Check) -> Check:
    """Decorator: run the check before a release, and when a process of the site starts."""
    CHECKS.append(check)
    return check


def deploy_error(number: int, name: str, message: str, is_variable: bool = False) -> Error:
    """An error about a setting, or an environment variable, with a hint how to set it.

    ``is_variable`` is for variables that the platform's HINTS do not have, such as your own.
    """
    platform = import_module(settings.PLATFORM)
    set_it = platform.SET_VARIABLE if is_variable else "See {} in config/settings.py."
    hint = platform.HINTS.get(name, set_it.format(name))
    return Error(f"{name} {message}", hint=hint, id=f"paas.E{number:03}")


@register(deploy=True)
def check_environment(app_configs=None, **kwargs) -> list[Error]:
    """Return the error of each check that fails."""
    return [error for check in CHECKS if (error := check())]


@register(deploy=True)
def check_server(app_configs=None, **kwargs) -> list[Error]:
    """Import the server and the application: after the release it is too late to fail."""
    if check_environment():  # then the application exits
        return []
    try:
        for module in pkgutil.iter_modules(servers.__path__, "paas.servers."):
            server = import_module(module.name)
            if hasattr(server, "check"):
                server.check()
    except Exception as error:  # noqa: BLE001 (code of any kind)
        cause = error.__cause__ or error  # import_string() hides an AttributeError in the module
        message = f"The server cannot start: {type(cause).__name__}: {cause}."
        hint = "Run the tests: one starts the server, and shows the traceback."
        return [Error(message, hint=hint, id="paas.E012")]
    return []


@environment_check
def check_secret_key() -> Error | None:
    try:
        secret_key = settings.SECRET_KEY
    except ImproperlyConfigured:
        return deploy_error(1, "SECRET_KEY", "is not set.")
    guessable = len(secret_key) < 50 or len(set(secret_key)) < 10 or " " in secret_key
    if guessable or secret_key.startswith("django-insecure-"):
        return deploy_error(1, "SECRET_KEY", "is too easy to guess: use 50 random characters.")
    return None


@environment_check
def check_allowed_hosts() -> Error | None:
    if not settings.ALLOWED_HOSTS:
        return deploy_error(2, "ALLOWED_HOSTS", "is not set.")
    if "*" in settings.ALLOWED_HOSTS:
        return deploy_error(2, "ALLOWED_HOSTS", "must name the hosts instead of '*'.")
    for host in settings.ALLOWED_HOSTS:
        if not HOST.fullmatch(host):
            return deploy_error(2, "ALLOWED_HOSTS", f"contains {host!r}, which is not a host name.")
    return None


@environment_check
def check_database() -> Error | None:
    engine = settings.DATABASES["default"].get("ENGINE", "django.db.backends.dummy")
    if engine == "django.db.backends.dummy":
        return deploy_error(3, "DATABASE_URL", "is not set.")
    if engine != POSTGRESQL:
        return deploy_error(3, "DATABASE_URL", "must name a PostgreSQL database.")
    return None


@environment_check
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


@environment_check
def check_debug() -> Error | None:
    if settings.DEBUG:
        return deploy_error(
            5, "DEBUG", "must be off: its error pages show code and settings to anyone."
        )
    return None


@environment_check
def check_https() -> Error | None:
    cookies = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")
    names = ("SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS", *cookies)
    off = [name for name in names if not getattr(settings, name)]
    # config/settings.py sets them unless DEBUG is on, which check_debug() reports.
    if off and not settings.DEBUG:
        return deploy_error(
            6, ", ".join(off), "must be on: without them passwords are sent unencrypted."
        )
    return None


@environment_check
def check_sessions() -> Error | None:
    cache = settings.CACHES[settings.SESSION_CACHE_ALIAS]["BACKEND"]
    if "cache" in settings.SESSION_ENGINE and cache.endswith(("LocMemCache", "DummyCache")):
        return deploy_error(
            7, "SESSION_ENGINE", "needs a cache in CACHES that all processes share."
        )
    return None


@environment_check
def check_database_connections() -> Error | None:
    """One instance must fit; ``paas/connections.py`` logs what all of them use."""
    if settings.DIRECT_DATABASE:
        return None  # the other one is a pool, with a limit of its own
    threads, processes = settings.WEB_THREADS, settings.WEB_PROCESSES
    connections = processes * (threads + len(EXTRA_CONNECTIONS))
    if connections > (limit := settings.DATABASE_CONNECTION_LIMIT):
        opened = (
            f"is {threads} in {processes} processes, which open up to {connections} connections"
        )
        return deploy_error(
            10, "WEB_THREADS", f"{opened}: more than DATABASE_CONNECTION_LIMIT, {limit}."
        )
    return None
