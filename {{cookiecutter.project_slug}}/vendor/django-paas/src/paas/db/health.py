"""Database connections that stay open between requests."""

import select
import time

import psycopg
from django.db import connections

# Seconds between two checks of a connection by query; in between, only its socket is checked.
QUERY_INTERVAL = 5


def skip_health_checks(**kwargs) -> None:
    """Receiver of request_started: skip the query of CONN_HEALTH_CHECKS if the socket is quiet.

    When PostgreSQL closes a connection, its socket becomes readable: no query is needed to see it.
    Django's own check, which also finds a lost network, still runs every QUERY_INTERVAL.
    """
    now = time.monotonic()
    for connection in connections.all(initialized_only=True):
        if now - getattr(connection, "checked_at", 0) > QUERY_INTERVAL:
            # Missing in the stubs: checked_at is ours, health_check_done is Django's.
            connection.checked_at = now  # type: ignore[attr-defined]
        elif connection.vendor == "postgresql" and is_quiet(connection.connection):
            connection.health_check_done = True  # type: ignore[attr-defined]


def is_quiet(connection) -> bool:
    """Whether the socket of this psycopg connection has nothing to read; False for None."""
    try:
        return not is_readable(connection.fileno())
    except (AttributeError, OSError, ValueError, psycopg.Error):  # None, or closed
        return False


def is_readable(descriptor: int) -> bool:
    if not hasattr(select, "poll"):  # Windows
        return any(select.select([descriptor], [], [], 0))
    poll = select.poll()  # select() fails above descriptor 1,023
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def check_socket(connection) -> None:
    """Called by psycopg's pool before it lends a connection. Raises OperationalError if it is closed.

    A ``check`` of https://www.psycopg.org/psycopg3/docs/api/pool.html, without a query.
    """
    if is_quiet(connection):
        return
    # Or the pool keeps it, and lends it again.
    connection.close()
    # All at once, as after a restart: the pool tries another one only after 1 s, then 2 s, 4 s ...
    for wrapper in connections.all(initialized_only=True):
        if pool := getattr(wrapper, "pool", None):
            pool.drain()
    raise psycopg.OperationalError("PostgreSQL has closed the connection.")
