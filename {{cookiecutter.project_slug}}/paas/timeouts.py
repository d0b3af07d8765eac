"""The response to a request whose query took longer than ``settings.STATEMENT_TIMEOUT``.

``limit_statements()`` in ``paas/startup.py`` sets the limit.
"""

import structlog
from django.db import OperationalError
from django.http import HttpResponse
from django.template.loader import render_to_string
from psycopg.errors import QueryCanceled

from paas.limits import RETRY_AFTER_SECONDS
from paas.middleware import NonBlockingMiddleware

logger = structlog.get_logger(__name__)


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
        logger.error("query canceled", view=request.resolver_match._func_path, reason=reason)
        context = {"request_id": getattr(request, "request_id", None)}
        page = render_to_string("500.html", context)
        return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
