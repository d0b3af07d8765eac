"""Start-up of every entry point: manage.py, the application in config/, and others."""

import os
import sys
from collections.abc import Iterable
from typing import NoReturn

import django
from django.conf import settings
from environs import EnvValidationError

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


def setup() -> None:
    """Load the settings and the apps; exit if this is production and misconfigured."""
    load_settings()
    django.setup(set_prefix=False)
    refuse_misconfiguration()


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
