"""The settings ``DATABASES`` and ``DIRECT_DATABASE``, from environment variables.

``DATABASE_URL`` may name a connection pool: PgBouncer in transaction mode, which runs each
transaction on any of a few server connections. ``DATABASE_DIRECT_URL`` then names the same database
without the pool: commands of ``manage.py`` use it, such as ``migrate`` of a release. Where the
platform sets ``DATABASE_URL``, ``DATABASE_CONNECTION_POOL_URL`` may name a pool beside it.
"""

from typing import Any

from environs import Env

POSTGRESQL = "django.db.backends.postgresql"
# Names of the variables: of the pool, and of the same database without it.
POOL_BESIDE = ("DATABASE_CONNECTION_POOL_URL", "DATABASE_URL")
POOL = ("DATABASE_URL", "DATABASE_DIRECT_URL")

Database = dict[str, Any]


def databases(env: Env, debug: bool) -> tuple[dict[str, Database], Database]:
    """Return DATABASES, and the direct connection; that is empty unless the other is a pool."""
    default, direct = (read(env, name, debug) for name in names(env))
    if direct:
        # A cursor of the server does not outlive its transaction; nor do prepared statements, which
        # Django turns off by default (the option prepare_threshold).
        default["DISABLE_SERVER_SIDE_CURSORS"] = True
        # In case the role has a timeout, which is how to set one through a pool.
        direct.setdefault("OPTIONS", {}).setdefault("options", "-c statement_timeout=0")
    return {"default": default}, direct


def names(env: Env) -> tuple[str, str]:
    return POOL_BESIDE if env.str(POOL_BESIDE[0], "") else POOL


def read(env: Env, name: str, debug: bool) -> Database:
    """Return the settings of the database that the variable names; empty if it is not set."""
    if not env.str(name, ""):
        return {}
    # Connections persist; paas/database.py checks them.
    database = env.dj_db_url(name, conn_max_age=600, conn_health_checks=True)
    if not database or database["ENGINE"] != POSTGRESQL:
        return database or {}
    options = {"connect_timeout": 5, "sslmode": "prefer" if debug else "require"}
    return {**database, "OPTIONS": options | database.get("OPTIONS", {})}
