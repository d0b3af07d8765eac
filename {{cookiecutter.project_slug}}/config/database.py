"""Database connections that stay open between requests."""

import select
import time

from django.db import connections

# Seconds in which a connection that looks well is believed to be.
QUERY_INTERVAL = 5


def skip_health_checks(**kwargs) -> None:
    """Receiver of request_started: leave out the queries of CONN_HEALTH_CHECKS that tell nothing.

    A server that ends a connection says so on its socket, which costs no query to see. Django's own
    check, which also finds a network that went away in silence, is made every QUERY_INTERVAL.
    """
    now = time.monotonic()
    for connection in connections.all(initialized_only=True):
        if now - getattr(connection, "checked_at", 0) > QUERY_INTERVAL:
            # The stubs know neither; the second is Django's own.
            connection.checked_at = now  # type: ignore[attr-defined]
        elif connection.vendor == "postgresql" and is_quiet(connection.connection):
            connection.health_check_done = True  # type: ignore[attr-defined]


def is_quiet(connection) -> bool:
    """Whether nothing was sent to this psycopg connection, or None, since its last query."""
    try:
        return not any(select.select([connection.fileno()], [], [], 0))
    except (AttributeError, OSError, ValueError):  # not open; closed; too large a number
        return False
