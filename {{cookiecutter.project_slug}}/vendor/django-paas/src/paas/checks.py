"""Deploy checks: production does not start misconfigured.

The release command runs them by ``manage.py check --deploy`` before it migrates; the processes of
the site run them when they start. The platform's build, which has no configuration, does not.
``settings.DEPLOY_CHECKS`` names the modules that have some.
"""

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register, run_checks
from django.core.checks.messages import WARNING
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, resolve, reverse
from django.utils.module_loading import import_string

from paas.conf import settings
from paas.database_url import POSTGRESQL

# A host name, an IPv6 address, or ".example.com" for a domain with its subdomains, but not ".com".
HOST = re.compile(r"(\.[A-Za-z0-9-]+\.)?[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]")
# Django's own checks of what comes from an environment variable, and the variable.
DJANGO_CHECKS = {
    "security.W009": "SECRET_KEY",
    "security.W018": "DEBUG",
    "security.W020": "ALLOWED_HOSTS",
}

# The engine that Django takes for an empty value of DATABASES.
DUMMY = "django.db.backends.dummy"

# The names of the parts of paas that the application of asgi.py or wsgi.py has made.
APPLICATION_PARTS: set[str] = set()

Check = Callable[[], Error | None]
CHECKS: list[Check] = []


def environment_check(check: Check) -> Check:
    """Decorator: run the check before a release, and when a process of the site starts."""
    CHECKS.append(check)
    return check


def deploy_error(number: int, name: str, message: str, is_variable: bool = False) -> Error:
    """An error about a setting, or an environment variable, with a hint how to set it.

    ``is_variable`` is for variables that the platform's HINTS do not have, such as your own.
    """
    return Error(f"{name} {message}", hint=hint(name, is_variable), id=f"paas.E{number:03}")


def hint(name: str, is_variable: bool = True) -> str:
    """How to set the variable on this platform, or where the setting is."""
    platform = import_module(settings.PLATFORM)
    set_it = platform.SET_VARIABLE if is_variable else "See {} in your settings."
    return platform.HINTS.get(name, set_it.format(name))


def problems() -> list[CheckMessage]:
    """What keeps a process of the site from starting: errors of CHECKS, and Django's of security."""
    found = check_environment()
    return found + [message for message in django_security() if not is_in(found, message)]


def django_security() -> list[CheckMessage]:
    """Django's own messages, with a hint for this platform where a variable is the cause."""
    found = run_checks(tags=[Tags.security], include_deployment_checks=True)
    found = [each for each in found if each.level >= WARNING and not each.is_silenced()]
    for message in found:
        if name := DJANGO_CHECKS.get(message.id or ""):
            message.hint = hint(name)
    return found


def is_in(errors: list[CheckMessage], message: CheckMessage) -> bool:
    """Whether one of the errors is about the same variable as Django's message."""
    name = DJANGO_CHECKS.get(message.id or "")
    return name is not None and any(error.msg.startswith(name) for error in errors)


@register
def check_admin_path(app_configs=None, **kwargs) -> list[CheckMessage]:
    """The admin's path must not be that of another view, which would come first."""
    try:
        path = reverse("admin:index")
    except NoReverseMatch:
        return []
    if resolve(path).view_name == "admin:index":
        return []
    message = f"ADMIN_PATH: another view has the path {path}."
    return [Error(message, hint="Use a path such as 'back-office/'.", id="paas.E013")]


@register
def check_leftovers(app_configs=None, **kwargs) -> list[CheckMessage]:
    """Until v0.3 the machinery was a folder of the project: an update keeps its edited files."""
    # Beside manage.py, where every command runs.
    files = sorted(Path("paas").rglob("*.py"))
    message = "Python takes the package django-paas, and ignores {}."
    hint = "Delete the file: docs/operations.md of a project says how to run a patched package."
    return [Error(message.format(file), hint=hint, id="paas.E014") for file in files]


@register(deploy=True)
def check_environment(app_configs=None, **kwargs) -> list[CheckMessage]:
    """Return the error of each check that fails."""
    return [error for check in CHECKS if (error := check())]


@register(deploy=True)
def check_variables(app_configs=None, **kwargs) -> list[CheckMessage]:
    """How to set the variables of Django's own messages, whose hints do not say it."""
    own, found = check_environment(), django_security()
    found = [each for each in found if each.id in DJANGO_CHECKS and not is_in(own, each)]
    names = [DJANGO_CHECKS[message.id or ""] for message in found]
    return [Info(f"How to set {name}:", hint=hint(name), id="paas.I004") for name in names]


@register(deploy=True)
def check_application(app_configs=None, **kwargs) -> list[CheckMessage]:
    """Import what the server serves: after the release it is too late to fail."""
    # The first is Daphne's and Channels' setting.
    name = "ASGI_APPLICATION" if getattr(settings, "ASGI_APPLICATION", None) else "WSGI_APPLICATION"
    path = getattr(settings, name)
    if problems() or not path:  # the application exits if there are any
        return []
    try:
        import_string(path)
    except Exception as error:  # noqa: BLE001 (code of any kind)
        cause = error.__cause__ or error  # import_string() hides an AttributeError in the module
        message = f"The server cannot start: {type(cause).__name__}: {cause}."
        hint = "Run the tests: one starts the server, and shows the traceback."
        return [Error(message, hint=hint, id="paas.E012")]
    interface = name.partition("_")[0]
    missing = {"GracefulShutdown", f"{interface}Handler"} - APPLICATION_PARTS
    message = "{} makes no {} of paas: SIGTERM drops requests, or bodies have no limit."
    hint = (
        f"README.md of django-paas shows {interface.lower()}.py: GracefulShutdown(...) around all."
    )
    return [
        Warning(message.format(path, part), hint=hint, id="paas.W001") for part in sorted(missing)
    ]


@environment_check
def check_secret_key() -> Error | None:
    try:
        secret_key = settings.SECRET_KEY
    except ImproperlyConfigured:
        return deploy_error(1, "SECRET_KEY", "is not set.")
    if " " in secret_key:  # a command that was pasted instead of its output
        return deploy_error(1, "SECRET_KEY", "must be random characters, without a space.")
    return None


@environment_check
def check_allowed_hosts() -> Error | None:
    if not settings.ALLOWED_HOSTS:
        return deploy_error(2, "ALLOWED_HOSTS", "is not set.")
    for host in settings.ALLOWED_HOSTS:
        if not HOST.fullmatch(host):
            return deploy_error(2, "ALLOWED_HOSTS", f"contains {host!r}, which is not a host name.")
    return None


@environment_check
def check_database() -> Error | None:
    engine = settings.DATABASES["default"].get("ENGINE", DUMMY)
    if engine == DUMMY:
        return deploy_error(3, "DATABASE_URL", "is not set.")
    if engine != POSTGRESQL:
        return deploy_error(3, "DATABASE_URL", "must name a PostgreSQL database.")
    return None


@environment_check
def check_other_databases() -> Error | None:
    for alias, database in settings.DATABASES.items():
        if alias != "default" and database.get("ENGINE", DUMMY) == DUMMY:
            return deploy_error(17, f"DATABASES[{alias!r}]", "is empty: its variable is not set.")
    return None


@environment_check
def check_database_encryption() -> Error | None:
    for alias, database in settings.DATABASES.items():
        # With DEBUG on, Django's own check reports that.
        if not settings.DEBUG and is_unencrypted(database):
            name = "DATABASE_URL" if alias == "default" else f"The URL of DATABASES[{alias!r}]"
            message = f"{name} must set sslmode=require, or verify-full."
            hint = "Add ?sslmode=require to it, or sslmode to the OPTIONS of DATABASES in your settings."
            return Error(message, hint=hint, id="paas.E011")
    return None


def is_unencrypted(database: dict[str, Any]) -> bool:
    """Whether connections to this value of DATABASES cross a network without TLS."""
    # PostgreSQL's default, "prefer", connects without encryption if the server has none.
    mode = database.get("OPTIONS", {}).get("sslmode", "prefer")
    is_local = database.get("HOST") in ("", "localhost", "127.0.0.1", "::1")
    is_postgresql = database.get("ENGINE") == POSTGRESQL
    return is_postgresql and not is_local and mode in ("disable", "allow", "prefer")


@environment_check
def check_sessions() -> Error | None:
    cache = settings.CACHES[settings.SESSION_CACHE_ALIAS]["BACKEND"]
    if "cache" in settings.SESSION_ENGINE and cache.endswith(("LocMemCache", "DummyCache")):
        return deploy_error(
            7, "SESSION_ENGINE", "needs a cache in CACHES that all processes share."
        )
    return None


def connections_per_process() -> int:
    """How many database connections a web process opens at most.

    DATABASE_POOL_SIZE, or one for each thread and one for the probe of /readyz. Under ASGI also
    ASYNC_CONNECTIONS, and one for all WebSockets.
    """
    for_threads = settings.DATABASE_POOL_SIZE or settings.WEB_THREADS + 1
    is_asgi = getattr(settings, "ASGI_APPLICATION", None)
    return for_threads + (settings.ASYNC_CONNECTIONS + 1 if is_asgi else 0)


@environment_check
def check_database_connections() -> Error | None:
    """One instance must fit; ``paas/connections.py`` logs what all of them use."""
    if settings.DATABASE_IS_POOLED:
        return None  # the pool has a limit of its own
    per_process, limit = connections_per_process(), settings.DATABASE_CONNECTION_LIMIT
    if (connections := settings.WEB_PROCESSES * per_process) <= limit:
        return None
    name = "DATABASE_POOL_SIZE" if settings.DATABASE_POOL_SIZE else "WEB_THREADS"
    more = per_process - getattr(settings, name)
    each = f"({name} + {more})" if more else name
    return Error(
        f"WEB_PROCESSES x {each} = {connections} connections, more than DATABASE_CONNECTION_LIMIT"
        f" ({limit}).",
        hint=hint(name),
        id="paas.E010",
    )
