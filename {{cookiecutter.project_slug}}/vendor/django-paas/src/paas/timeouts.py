"""The limit of a web process's queries, and the response to a request that exceeds it.

Without a limit, a query that lacks an index holds a thread and a connection long after the router
gave up, and a few such requests stop the site. Through a connection pool the role must have the
timeout, as PgBouncer gives a session to many clients.
https://www.postgresql.org/docs/current/runtime-config-client.html
"""

import structlog
from django.db import OperationalError
from django.db.backends.signals import connection_created
from django.http import HttpResponse
from django.template.loader import render_to_string
from psycopg.errors import QueryCanceled

from paas.conf import settings
from paas.limits import RETRY_AFTER_SECONDS
from paas.middleware import NonBlockingMiddleware

logger = structlog.get_logger(__name__)


def limit_statements() -> None:
    """Have PostgreSQL end any statement of this process after ``settings.STATEMENT_TIMEOUT``."""
    if settings.STATEMENT_TIMEOUT and not settings.DATABASE_IS_POOLED:
        connection_created.connect(set_statement_timeout)


def set_statement_timeout(connection, **kwargs) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = '{settings.STATEMENT_TIMEOUT:d}s'")


class StatementTimeoutMiddleware(NonBlockingMiddleware):
    """Answer 503 if PostgreSQL ended a query, and log the view that sent it."""

    def process_exception(self, request, exception):
        is_timeout = isinstance(exception, OperationalError) and isinstance(
            exception.__cause__, QueryCanceled
        )
        if not is_timeout:
            return None
        # PostgreSQL's message says whether it was the timeout. It names no values.
        reason = exception.__cause__.diag.message_primary
        logger.error("query canceled", view=request.resolver_match.view_name, reason=reason)
        context = {"request_id": getattr(request, "request_id", None)}
        page = render_to_string("500.html", context)
        return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
