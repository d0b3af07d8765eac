"""How many database connections PostgreSQL allows, how many are in use, and how many are ours.

A process logs it when it starts, and warns when ``/readyz`` finds 80 % of them in use.
"""

import threading
import time
from dataclasses import dataclass

import structlog
from django.db import DatabaseError, connection

from paas.checks import connections_per_process

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

LAST_WARNING: dict[str, float] = {"at": -WARNING_INTERVAL}

logger = structlog.get_logger(__name__)


@dataclass
class Budget:
    """PostgreSQL's ``limit`` for us, and the connections ``in_use`` by any process."""

    limit: int
    in_use: int

    @property
    def share(self) -> float:
        return self.in_use / max(self.limit, 1)


def read_budget() -> Budget:
    """Ask PostgreSQL; of several limits, return the one that is closest."""
    with connection.cursor() as cursor:
        cursor.execute(QUERY)
        return max((Budget(*row) for row in cursor.fetchall()), key=lambda budget: budget.share)


def log_connections(this_process: int) -> None:
    """Log the budget, with the connections that this process may open; at 80 % as a warning."""
    if connection.vendor == "postgresql":
        log_budget(read_budget(), this_process)


def log_budget(budget: Budget, this_process: int) -> None:
    log = logger.warning if budget.share >= WARNING_SHARE else logger.info
    figures = {"limit": budget.limit, "in_use": budget.in_use, "this_process": this_process}
    log("database connections", **figures)


def log_at_start(this_process: int) -> None:
    """log_connections(); without a database do nothing, as /readyz reports it."""
    try:
        log_connections(this_process)
    except DatabaseError:
        pass
    finally:
        connection.close()


def start_logging() -> None:
    """log_at_start() of a web process, whose start must not wait for the database."""
    threading.Thread(target=log_at_start, args=[connections_per_process()], daemon=True).start()


def warn_of_shortage() -> None:
    """Called by the probe of /readyz: log the budget if it is short, at most once a minute."""
    if (
        connection.vendor == "postgresql"
        and time.monotonic() >= LAST_WARNING["at"] + WARNING_INTERVAL
    ):
        budget = read_budget()
        if budget.share >= WARNING_SHARE:
            LAST_WARNING["at"] = time.monotonic()
            log_budget(budget, connections_per_process())
