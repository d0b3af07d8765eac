"""Logs one line per request, and adds the request's id to every line that it causes."""

import time

import structlog
from django.utils.functional import empty
from structlog.contextvars import bind_contextvars, reset_contextvars

from paas.health import PATHS as HEALTH_CHECK_PATHS
from paas.logs import loggable_path
from paas.middleware import NonBlockingMiddleware
from paas.proxy_headers import queue_milliseconds, request_id

logger = structlog.get_logger(__name__)


class RequestLogMiddleware(NonBlockingMiddleware):
    """Log every request but health checks: paas/health.py logs those that fail.

    ``request.request_id`` and the response's ``X-Request-ID`` have the id.
    """

    def process_request(self, request):
        if request.path_info in HEALTH_CHECK_PATHS:
            return
        request.started_at = time.perf_counter()
        request.queue_milliseconds = queue_milliseconds(request.headers)
        request.request_id = request_id(request.headers)
        request.log_context = bind_contextvars(request_id=request.request_id)

    def process_response(self, request, response):
        if request.path_info in HEALTH_CHECK_PATHS:
            return response
        # Not logger.error(): an exception has a line of its own, with its traceback.
        log = logger.warning if response.status_code >= 500 else logger.info
        log(
            "request",
            method=request.method,
            path=loggable_path(request),
            status=response.status_code,
            duration_ms=milliseconds_since(request.started_at),
            queue_ms=request.queue_milliseconds,
            user_id=user_id(request),
            address=request.META["REMOTE_ADDR"],
        )
        # Threads keep their contextvars from one request to the next.
        reset_contextvars(**request.log_context)
        response["X-Request-ID"] = request.request_id
        return response


def user_id(request):
    """The user's key; None if anonymous, or if nothing has loaded ``request.user``."""
    # Where request.auser(), of an async view, caches the user.
    user = getattr(request, "_acached_user", None) or getattr(request, "user", None)
    return None if getattr(user, "_wrapped", None) is empty else getattr(user, "pk", None)


def milliseconds_since(start: float) -> float:
    """Milliseconds since ``start``, a value of ``time.perf_counter()``."""
    return round(1000 * (time.perf_counter() - start), 1)
