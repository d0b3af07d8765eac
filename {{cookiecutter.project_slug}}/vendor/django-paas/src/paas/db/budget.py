"""How many database connections PostgreSQL allows, how many are in use, and how many are ours.

A process logs it for each database when it starts, and warns when ``/readyz`` finds 80 % in use.
"""

import threading
import time
from dataclasses import dataclass

import structlog
from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from paas.conf import settings

WARNING_SHARE = 0.8
# Seconds between two warnings of a process: platforms ask for /readyz every few seconds.
WARNING_INTERVAL = 60
# Limits of the server, of the role and of the database; plans on a shared server limit the role.
QUERY = """
SELECT current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0),
    (SELECT sum(numbackends)::int FROM pg_stat_database)
UNION ALL
SELECT rolconnlimit, (SELECT count(*) FROM pg_stat_activity WHERE usename = current_user)
FROM pg_roles WHERE rolname = current_user AND rolconnlimit >= 0
UNION ALL
SELECT datconnlimit, (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())
FROM pg_database WHERE datname = current_database() AND datconnlimit >= 0
"""

# By the alias in DATABASES.
LAST_WARNING: dict[str, float] = {}

logger = structlog.get_logger(__name__)


@dataclass
class Budget:
    """PostgreSQL's ``limit`` for us, and the connections ``in_use`` by any process."""

    limit: int
    in_use: int

    @property
    def share(self) -> float:
        return self.in_use / max(self.limit, 1)


def connections_per_process() -> int:
    """How many database connections a web process opens at most.

    DATABASE_POOL_SIZE, or one for each thread and one for the probe of /readyz. Under ASGI also
    ASYNC_CONNECTIONS, and one for all WebSockets.
    """
    has_pool = settings.DATABASE_POOL_SIZE and not settings.DATABASE_IS_POOLED
    for_threads = settings.DATABASE_POOL_SIZE if has_pool else settings.WEB_THREADS + 1
    is_asgi = getattr(settings, "ASGI_APPLICATION", None)
    return for_threads + (settings.ASYNC_CONNECTIONS + 1 if is_asgi else 0)


def read_budget(connection: BaseDatabaseWrapper) -> Budget:
    """Ask PostgreSQL; of several limits, return the one that is closest."""
    with connection.cursor() as cursor:
        cursor.execute(QUERY)
        return max((Budget(*row) for row in cursor.fetchall()), key=lambda budget: budget.share)


def log_connections(connection: BaseDatabaseWrapper, this_process: int) -> None:
    """Log the budget, with the connections that this process may open; at 80 % as a warning."""
    if connection.vendor == "postgresql":
        log_budget(connection.alias, read_budget(connection), this_process)


def log_budget(alias: str, budget: Budget, this_process: int) -> None:
    log = logger.warning if budget.share >= WARNING_SHARE else logger.info
    figures = {"limit": budget.limit, "in_use": budget.in_use, "this_process": this_process}
    log("database connections", database=alias, **figures)


def log_at_start(this_process: int) -> None:
    """log_connections() of each database; without one do nothing, as /readyz reports it."""
    for connection in connections.all():
        try:
            log_connections(connection, this_process)
        except DatabaseError:
            pass
        finally:
            connection.close()


def start_logging() -> None:
    """log_at_start() of a web process, whose start must not wait for the database."""
    threading.Thread(target=log_at_start, args=[connections_per_process()], daemon=True).start()


def warn_of_shortage(connection: BaseDatabaseWrapper) -> None:
    """Called by a probe of /readyz: log the budget if it is short, at most once a minute."""
    last = LAST_WARNING.get(connection.alias, -WARNING_INTERVAL)
    if connection.vendor == "postgresql" and time.monotonic() >= last + WARNING_INTERVAL:
        budget = read_budget(connection)
        if budget.share >= WARNING_SHARE:
            LAST_WARNING[connection.alias] = time.monotonic()
            log_budget(connection.alias, budget, connections_per_process())
