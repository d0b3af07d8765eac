"""Start-up of every entry point: manage.py, asgi.py, wsgi.py and Celery's app."""

import os
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import django
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvValidationError

from paas.conf import settings
from paas.db.url import LIBPQ_ENGINES, is_postgresql

NO_CONFIGURATION = (
    "There is no .env file: type `cp .env.example .env` for development, or set the environment "
    "variables of production."
)


def load_settings() -> None:
    """Load the settings; exit with a message for each invalid environment variable."""
    try:
        seal_settings()
    except EnvValidationError as error:
        # By name, in a dict; the stubs declare a list.
        invalid = error.error_messages.items()  # type: ignore[union-attr]
        exit_with_errors(f"{name}: {' '.join(errors)}" for name, errors in invalid)
    if errors := list(unusable_databases()):
        exit_with_errors(errors)


def unusable_databases() -> Iterator[str]:
    """A message for each database whose backend cannot be imported: django.setup() would raise."""
    for alias, database in settings.DATABASES.items():
        try:
            is_postgresql(database)
        except (ImportError, ImproperlyConfigured) as error:
            is_other = alias == "default" and not database["ENGINE"].endswith(LIBPQ_ENGINES)
            name = (
                "DATABASE_URL must name a PostgreSQL database."
                if is_other
                else f"DATABASES[{alias!r}]:"
            )
            yield f"{name} {str(error).partition('\n')[0]}"


def seal_settings() -> None:
    """Load the settings; raise EnvValidationError if their ``env`` has collected errors.

    So a settings module needs no ``env.seal()`` at its end, above which each new setting would have to be.
    """
    settings.DEBUG  # noqa: B018 (the first access loads the settings)
    env = getattr(sys.modules.get(os.environ.get("DJANGO_SETTINGS_MODULE", "")), "env", None)
    if isinstance(env, Env):
        env.seal()


def require_configuration(arguments: list[str]) -> None:
    """Exit if ``arguments``, of manage.py, need a configuration and there is none.

    A build runs ``collectstatic``, and `make check` other commands, without any.
    """
    needs = {"createsuperuser", "migrate", "runserver", "shell"}
    if needs.intersection(arguments[1:2]) and not settings.DATABASES["default"]:
        exit_with_errors([NO_CONFIGURATION])


def setup(is_serving: bool = True) -> None:
    """Load the settings and the apps; exit if this is production and misconfigured.

    ``is_serving`` is false for a main process that forks those that serve.
    """
    load_settings()
    django.setup(set_prefix=False)
    exit_if_misconfigured()
    # Imported here, as they need the settings.
    from paas.db.budget import start_logging
    from paas.db.pool import share_connections
    from paas.db.timeouts import limit_statements

    if not is_serving:
        return
    limit_statements()
    if "PORT" in os.environ:
        share_connections()
        start_logging()


def exit_if_misconfigured() -> None:
    """Exit with a message for each error of problems(), except in development.

    Development has DEBUG on, or is a preview of production (IS_PREVIEW), and not on a platform.
    """
    # Imported here, as not every command that loads the settings needs it.
    from paas.checks import problems

    is_development = (settings.DEBUG or settings.IS_PREVIEW) and not is_on_platform()
    if not is_development and (errors := problems()):
        exit_with_errors(" ".join(filter(None, (error.msg, error.hint))) for error in errors)


def is_on_platform() -> bool:
    """Whether a platform runs this process: by the variable that it alone sets, if it has one.

    Else by PORT, without a .env file: `heroku local` and the terminals of cloud IDEs set PORT too.
    """
    if variable := getattr(import_module(settings.PLATFORM), "OWN_VARIABLE", None):
        return variable in os.environ
    env_file = Path(getattr(settings, "BASE_DIR", "."), os.environ.get("ENV_FILE", ".env"))
    return "PORT" in os.environ and not env_file.is_file()


def exit_with_errors(messages: Iterable[str]) -> NoReturn:
    """Print the messages and exit with status 3."""
    print(*messages, sep="\n", file=sys.stderr)
    sys.exit(3)
