"""Database connections that the threads of a web process share, by psycopg's pool.

A thread of Gunicorn often waits for its client, and needs no connection then.
https://docs.djangoproject.com/en/stable/ref/databases/#connection-pool
"""

from typing import Any

from paas.conf import settings
from paas.db.health import check_socket
from paas.db.url import is_postgresql

# Seconds that a request waits for a connection; then the response is 503.
TIMEOUT = 5


def pool_options(size: int) -> dict[str, Any]:
    """https://www.psycopg.org/psycopg3/docs/api/pool.html"""
    return {
        "min_size": 0,
        "max_size": size,
        "timeout": TIMEOUT,
        # It tries to connect less and less often, and begins anew after this long: by default 5
        # minutes, during which the site would not notice that PostgreSQL is back.
        "reconnect_timeout": TIMEOUT,
        "check": check_socket,
    }


def share_connections() -> None:
    """Give each PostgreSQL database of this process a pool of DATABASE_POOL_SIZE connections.

    Called before the first connection, and by web processes only: a command or a worker has as many
    connections as threads, and nothing to share.
    """
    if not settings.DATABASE_POOL_SIZE or settings.DATABASE_IS_POOLED:
        return
    for database in settings.DATABASES.values():
        if is_postgresql(database):
            database["CONN_MAX_AGE"] = 0  # a connection goes back to the pool after each request
            options = database.setdefault("OPTIONS", {})
            options.setdefault("pool", pool_options(settings.DATABASE_POOL_SIZE))
