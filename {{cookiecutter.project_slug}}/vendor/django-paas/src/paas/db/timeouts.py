"""The limit of a web process's queries, and the response to a request that exceeds it.

Without a limit, a query that lacks an index holds a thread and a connection long after the router
gave up, and a few such requests stop the site. Through PgBouncer the role must have the timeout, as
it gives a session to many clients.
https://www.postgresql.org/docs/current/runtime-config-client.html
"""

import sys

import structlog
from django.db import OperationalError
from django.http import HttpResponse
from django.template.loader import render_to_string
from psycopg.errors import QueryCanceled

from paas.conf import settings
from paas.db.url import is_postgresql
from paas.limits import RETRY_AFTER_SECONDS
from paas.site.middleware import NonBlockingMiddleware

logger = structlog.get_logger(__name__)


def limit_statements() -> None:
    """Have PostgreSQL end any statement of this process after ``settings.STATEMENT_TIMEOUT``.

    Called before the first connection. A pool that is no PostgreSQL, such as PgBouncer, refuses
    connections with this option.
    """
    if not settings.STATEMENT_TIMEOUT or settings.DATABASE_IS_POOLED:
        return
    limit = f"-c statement_timeout={settings.STATEMENT_TIMEOUT}s"
    for database in settings.DATABASES.values():
        if is_postgresql(database):
            options = database.setdefault("OPTIONS", {})
            # The owner's own, if any, come last and so win.
            options["options"] = f"{limit} {options.get('options', '')}".strip()


def is_pool_timeout(error: BaseException | None) -> bool:
    """Whether psycopg's pool, which not every site has, had no connection in time."""
    pool = sys.modules.get("psycopg_pool")
    return pool is not None and isinstance(error, pool.PoolTimeout)


class StatementTimeoutMiddleware(NonBlockingMiddleware):
    """Answer 503 if PostgreSQL ended a query, or no connection was free, and log the view."""

    def process_exception(self, request, exception):
        cause = exception.__cause__
        if not isinstance(exception, OperationalError):
            return None
        view = request.resolver_match.view_name
        if isinstance(cause, QueryCanceled):
            # PostgreSQL's message says whether it was the timeout. It names no values.
            logger.error("query canceled", view=view, reason=cause.diag.message_primary)
        elif is_pool_timeout(cause):
            logger.error("no database connection", view=view, reason=str(cause))
            # So that paas.logs.requests does not wait for one again, to read the session.
            request.lost_database = True
        else:
            return None
        context = {"request_id": getattr(request, "request_id", None)}
        page = render_to_string("500.html", context)
        return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
