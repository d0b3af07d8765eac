"""The database, from environment variables.

``DATABASE_URL`` may name a connection pool: PgBouncer in transaction mode, which runs each
transaction on any of a few server connections. ``DATABASE_DIRECT_URL`` then names the same database
without the pool. Where the platform sets ``DATABASE_URL``, ``DATABASE_CONNECTION_POOL_URL`` may name
a pool beside it.

Another database has a variable of its own, and no pool.

Commands of ``manage.py`` connect without the pool: it has no sessions, which advisory locks and
long-running commands need.
"""

import os
import re
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import dj_database_url
from django.db.utils import load_backend
from environs import Env, ValidationError

# Ends of the names of engines that connect by libpq, and so have its option sslmode. By name, as importing
# a backend needs the settings, which are not loaded yet.
LIBPQ_ENGINES = ("postgresql", "postgis", "django_redshift_backend", "django_cockroachdb")
DUMMY = "django.db.backends.dummy"  # Django's for an empty value of DATABASES

# A "/", "?" or "#" in a password would begin the next part of the URL.
URL = r"(sqlite|spatialite):.*|[\w+-]+://([^\s/?#]*@)?[^\s/?#@]*(/[^?#@]*)?(\?[^#@]*)?"
NOT_A_URL = (
    "Not a valid database URL. The form is postgres://user:password@host:port/name, with :/?#@% "
    "percent-encoded in the password: %23 for #."
)


def validate_database_url(url: str) -> None:
    """Raise ValidationError if dj-database-url cannot read it, or knows no engine for its scheme."""
    scheme = url.partition(":")[0]
    if url and not (scheme in dj_database_url.ENGINE_SCHEMES and re.fullmatch(URL, url)):
        raise ValidationError(NOT_A_URL)


def is_postgresql(database: dict[str, Any]) -> bool:
    """Whether a value of DATABASES is for PostgreSQL, also by PostGIS or a backend that wraps it."""
    return load_backend(database.get("ENGINE", DUMMY)).DatabaseWrapper.vendor == "postgresql"


def is_local(database: dict[str, Any]) -> bool:
    """Whether the server is on this machine, so that no network is between."""
    options = database.get("OPTIONS", {})
    # As libpq chooses; of several hosts it takes any.
    hosts = options.get("hostaddr") or database.get("HOST") or options.get("host")
    hosts = str(hosts or os.environ.get("PGHOST", "")).split(",")
    return "service" not in options and all(map(is_loopback, hosts))


def is_loopback(host: str) -> bool:
    """Whether it is this machine's name or address, or a Unix socket, which is libpq's default."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() in ("", "localhost") or host.startswith(("/", "@"))


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
    if not env.str(name, "", validate=validate_database_url):
        return {}
    # Connections persist; paas/db/health.py checks them.
    found = env.dj_db_url(name, conn_max_age=600, conn_health_checks=True) or {}
    if not found.get("ENGINE", DUMMY).endswith(LIBPQ_ENGINES):
        return found
    sslmode = "prefer" if debug or is_local(found) else "require"
    found["OPTIONS"] = {"connect_timeout": 5, "sslmode": sslmode} | found.get("OPTIONS", {})
    if found["OPTIONS"].get("pool"):  # psycopg's, where connections persist instead
        found["CONN_MAX_AGE"] = 0
    return found
