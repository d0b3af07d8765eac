"""What the connection pool asks of a connection before a request gets it."""

from django.db import connection as database
from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool


def check_connection(connection: Connection) -> None:
    """Raise OperationalError unless the connection works.

    If it does not, PostgreSQL was probably restarted, and no other works either: all are looked
    at now, as the pool itself would come upon them one by one and pause longer after each.
    """
    try:
        ConnectionPool.check_connection(connection)
    except OperationalError:
        # The stubs know only what every database has.
        database.pool.check()  # type: ignore[attr-defined]
        raise
