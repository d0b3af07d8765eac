"""The database, from environment variables.

``DATABASE_URL`` may name a connection pool: PgBouncer in transaction mode, which runs each
transaction on any of a few server connections. ``DATABASE_DIRECT_URL`` then names the same database
without the pool. Where the platform sets ``DATABASE_URL``, ``DATABASE_CONNECTION_POOL_URL`` may name
a pool beside it.

Another database has a variable of its own, and no pool.

Commands of ``manage.py`` connect without the pool: it has no sessions, which advisory locks and
long-running commands need.
"""

import sys
from pathlib import Path
from typing import Any

from environs import Env

POSTGRESQL = "django.db.backends.postgresql"


def is_pooled(env: Env) -> bool:
    """Whether there is a connection pool: the value of DATABASE_IS_POOLED."""
    return all(env.str(name, "") for name in variables(env))


def variables(env: Env) -> tuple[str, str]:
    """The names of two variables: of the pool if there is one, and of the direct connection."""
    beside = "DATABASE_CONNECTION_POOL_URL"
    return (
        (beside, "DATABASE_URL") if env.str(beside, "") else ("DATABASE_URL", "DATABASE_DIRECT_URL")
    )


def database(env: Env, debug: bool, variable: str = "DATABASE_URL") -> dict[str, Any]:
    """The value of DATABASES["default"], or of another one that has a variable of its own.

    Empty if no variable is set.
    """
    if variable != "DATABASE_URL":
        return read(env, variable, debug)
    pool, direct = variables(env)
    if not is_pooled(env):
        return read(env, "DATABASE_URL", debug)
    if Path(sys.argv[0]).name == "manage.py":
        found = read(env, direct, debug)
        # In case the role has a timeout, which is how to set one through a pool.
        found.setdefault("OPTIONS", {}).setdefault("options", "-c statement_timeout=0")
        return found
    # A cursor of the server does not outlive its transaction; nor do prepared statements, which
    # Django turns off by default (the option prepare_threshold).
    return read(env, pool, debug) | {"DISABLE_SERVER_SIDE_CURSORS": True}


def read(env: Env, name: str, debug: bool) -> dict[str, Any]:
    """The settings of the database that the variable names; empty if it is not set."""
    if not env.str(name, ""):
        return {}
    # Connections persist; paas/db/health.py checks them.
    found = env.dj_db_url(name, conn_max_age=600, conn_health_checks=True) or {}
    if found.get("ENGINE") != POSTGRESQL:
        return found
    options = {"connect_timeout": 5, "sslmode": "prefer" if debug else "require"}
    return {**found, "OPTIONS": options | found.get("OPTIONS", {})}
