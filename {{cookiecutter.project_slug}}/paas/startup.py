"""Start-up of every entry point: manage.py, the application in config/, and others."""

import os
import sys
from collections.abc import Iterable
from typing import NoReturn

import django
from django.conf import settings
from environs import EnvValidationError

from paas.database_url import POSTGRESQL

NO_CONFIGURATION = (
    "There is no .env file: type `cp .env.example .env` for development, or set the variables of "
    "docs/configuration.md for production."
)
# Without any of them and without .env, nothing is configured.
CONFIGURATION_VARIABLES = {"DEBUG", "SECRET_KEY", "DATABASE_URL"}
# `check` reports what is missing, builds run `collectstatic`, and `make check`
# `makemigrations` and `lintmigrations`.
COMMANDS_WITHOUT_CONFIGURATION = {
    "check",
    "collectstatic",
    "help",
    "lintmigrations",
    "makemessages",
    "makemigrations",
    "startapp",
    "version",
    "--help",
    "--version",
}


def load_settings() -> None:
    """Load the settings; exit with a message for each invalid environment variable."""
    try:
        settings.DEBUG  # noqa: B018 (the first access loads the settings)
    except EnvValidationError as error:
        # env.seal() collected them in a dict by name; the stubs declare a list.
        invalid = error.error_messages.items()  # type: ignore[union-attr]
        exit_with_errors(f"{name}: {' '.join(errors)}" for name, errors in invalid)


def require_configuration(arguments: list[str]) -> None:
    """Exit if ``arguments``, of manage.py, need a configuration and there is none."""
    command = arguments[1] if len(arguments) > 1 else "help"
    has_variables = not CONFIGURATION_VARIABLES.isdisjoint(os.environ)
    is_configured = has_variables or (settings.BASE_DIR / ".env").exists()
    if not is_configured and command not in COMMANDS_WITHOUT_CONFIGURATION:
        exit_with_errors([NO_CONFIGURATION])


def use_direct_database() -> None:
    """Connect without the connection pool, if there is one: a pool in transaction mode has no
    sessions, which advisory locks and long-running commands need.
    """
    if settings.DIRECT_DATABASE:
        settings.DATABASES["default"] = settings.DIRECT_DATABASE


def limit_statements() -> None:
    """Have PostgreSQL end any statement of this web process after STATEMENT_TIMEOUT.

    Without a limit, a query that lacks an index holds a thread and a connection long after the
    router gave up, and a few such requests stop the site. PgBouncer refuses the option, so with a
    connection pool the role must have the timeout.
    https://www.postgresql.org/docs/current/runtime-config-client.html
    """
    database = settings.DATABASES["default"]
    is_direct = database.get("ENGINE") == POSTGRESQL and not settings.DIRECT_DATABASE
    if is_direct and settings.STATEMENT_TIMEOUT:
        timeout = f"-c statement_timeout={settings.STATEMENT_TIMEOUT}s"
        database.setdefault("OPTIONS", {}).setdefault("options", timeout)


def setup(is_serving: bool = True) -> None:
    """Load the settings and the apps; exit if this is production and misconfigured.

    ``is_serving`` is false for a main process that forks those that serve.
    """
    load_settings()
    limit_statements()
    django.setup(set_prefix=False)
    refuse_misconfiguration()
    if is_serving and "PORT" in os.environ:
        # Imported here, as it needs the settings.
        from paas.connections import start_logging

        start_logging()


def refuse_misconfiguration() -> None:
    """Exit with a message for each error of check_environment(), except in development.

    Development has DEBUG on, or is `make prod`, and has no PORT, which platforms set.
    """
    # Imported here, as not every command that loads the settings needs it.
    from paas.checks import check_environment

    is_local = settings.DEBUG or getattr(settings, "IS_PREVIEW", False)
    is_development = is_local and "PORT" not in os.environ
    if not is_development and (errors := check_environment()):
        exit_with_errors(f"{error.msg} {error.hint}" for error in errors)


def exit_with_errors(messages: Iterable[str]) -> NoReturn:
    """Print the messages and exit with status 3."""
    print(*messages, sep="\n", file=sys.stderr)
    sys.exit(3)
