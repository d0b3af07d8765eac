"""What every entry point calls first: manage.py, the application in config/, and others."""

import os
import sys
from collections.abc import Iterable
from typing import NoReturn

import django
from django.conf import settings
from environs import EnvValidationError


def load_settings() -> None:
    """Load the settings; exit with a sentence for each invalid environment variable."""
    try:
        settings.DEBUG  # noqa: B018 (the first access loads the settings)
    except EnvValidationError as error:
        # env.seal() collected them in a dict by name; the stubs declare a list.
        invalid = error.error_messages.items()  # type: ignore[union-attr]
        exit_with_errors(f"{name}: {' '.join(messages)}" for name, messages in invalid)


def setup() -> None:
    """Load the settings and the apps; exit if this is production and misconfigured."""
    load_settings()
    django.setup(set_prefix=False)
    refuse_misconfiguration()


def refuse_misconfiguration() -> None:
    """Exit with a sentence for each error of check_environment(), except in development.

    Development has DEBUG on, and no PORT, which platforms set for the web process.
    """
    # Imported here, as not every command that loads the settings needs it.
    from paas.checks import check_environment

    is_development = settings.DEBUG and "PORT" not in os.environ
    if not is_development and (errors := check_environment()):
        exit_with_errors(f"{error.msg} {error.hint}" for error in errors)


def exit_with_errors(sentences: Iterable[str]) -> NoReturn:
    """Print the sentences and exit with status 3."""
    print(*sentences, sep="\n", file=sys.stderr)
    sys.exit(3)
