"""Deploy checks of DATABASES: PostgreSQL, TLS, and the number of connections."""

from importlib.util import find_spec
from typing import Any

from django.core.checks import Error

from paas.checks import deploy_error, environment_check, hint
from paas.conf import settings
from paas.db.budget import connections_per_process
from paas.db.url import DUMMY, is_local, is_postgresql


@environment_check
def check_database() -> Error | None:
    database = settings.DATABASES["default"]
    if database.get("ENGINE", DUMMY) == DUMMY:
        return deploy_error(3, "DATABASE_URL", "is not set.")
    if not is_postgresql(database):
        return deploy_error(3, "DATABASE_URL", "must name a PostgreSQL database.")
    if not (database.get("NAME") or "service" in database.get("OPTIONS", {})):
        return deploy_error(3, "DATABASE_URL", "must end with the database's name.")
    return None


@environment_check
def check_pool() -> Error | None:
    """Errors that Django raises at the first connection only, in `migrate`."""
    for alias, database in settings.DATABASES.items():
        if database.get("OPTIONS", {}).get("pool"):
            name = f"DATABASES[{alias!r}]"
            if database.get("CONN_MAX_AGE", 0) != 0:
                return deploy_error(28, name, 'has the option "pool": set its CONN_MAX_AGE to 0.')
            if not find_spec("psycopg_pool"):
                return deploy_error(28, name, 'has the option "pool": install psycopg[pool].')
    return None


@environment_check
def check_other_databases() -> Error | None:
    for alias, database in settings.DATABASES.items():
        if alias != "default" and database.get("ENGINE", DUMMY) == DUMMY:
            message = "has no URL: set its environment variable."
            return deploy_error(17, f"DATABASES[{alias!r}]", message)
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
    is_weak = mode in ("disable", "allow", "prefer")
    return is_weak and is_postgresql(database) and not is_local(database)


@environment_check
def check_database_connections() -> Error | None:
    """One instance must fit; paas.db.budget logs what all of them use."""
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
