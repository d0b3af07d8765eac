"""Logs one line per request, and adds the request's id to every line that it causes."""

import time
from typing import Any

import structlog
from django.contrib.auth import SESSION_KEY, get_user_model
from django.db import InterfaceError, OperationalError
from django.db.models import Model
from structlog.contextvars import bind_contextvars, reset_contextvars

from paas.logs import loggable_path
from paas.platforms.proxy_headers import queue_milliseconds, request_id
from paas.site.health import PATHS as HEALTH_CHECK_PATHS
from paas.site.middleware import NonBlockingMiddleware

logger = structlog.get_logger(__name__)


class RequestLogMiddleware(NonBlockingMiddleware):
    """Log every request but health checks: paas/site/health.py logs those that fail.

    ``request.request_id`` and the response's ``X-Request-ID`` have the id.
    """

    def process_request(self, request):
        if request.path_info in HEALTH_CHECK_PATHS:
            return
        request.started_at = time.perf_counter()
        request.queue_milliseconds = queue_milliseconds(request.headers)
        request.request_id = request_id(request.headers)
        request.log_context = bind_contextvars(request_id=request.request_id)

    def process_exception(self, request, exception):
        # So that user_id() does not wait for the database again.
        request.lost_database = isinstance(exception, InterfaceError | OperationalError)

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
    """The user's key; None if anonymous, or if nothing has read the session. It runs no query."""
    user: Any = getattr(request, "user", None)
    # What a login, or an API's token, has set. Otherwise it is lazy, and has a type of its own.
    if issubclass(type(user), Model):
        return user.pk
    session = getattr(request, "session", None)
    if session is None or not session.accessed or getattr(request, "lost_database", False):
        return None
    try:
        key = session.get(SESSION_KEY)
    except Exception:  # noqa: BLE001 (the session could not be read before either)
        return None
    return key and get_user_model()._meta.pk.to_python(key)


def milliseconds_since(start: float) -> float:
    """Milliseconds since ``start``, a value of ``time.perf_counter()``."""
    return round(1000 * (time.perf_counter() - start), 1)
