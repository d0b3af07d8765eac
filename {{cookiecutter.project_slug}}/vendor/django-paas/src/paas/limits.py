"""Limits on every request: MAX_BODY_SIZE and MAX_QUEUED_REQUESTS, which README.md describes.

``paas.asgi.handler`` and ``paas.wsgi`` enforce them before Django runs.
"""

from collections.abc import Callable
from contextlib import nullcontext
from http import HTTPStatus

import structlog
from django.urls import resolve
from django.utils import translation

from paas.conf import settings

RETRY_AFTER_SECONDS = 5
# After a 413 the rest of the body is read and dropped, within these limits. Closing at once would
# reset the connection, and a client that sends on would not see the response.
DISCARD_BYTES = 1_000_000_000
DISCARD_SECONDS = 30

logger = structlog.get_logger(__name__)
# Of all views with @max_body_size.
sizes: set[int] = set()


def max_body_size(size: int):
    """Decorator: the view takes request bodies of up to ``size`` bytes instead of MAX_BODY_SIZE.

    On a class-based view: ``@method_decorator(max_body_size(50_000_000), name="dispatch")``.
    """
    sizes.add(size)

    def set_limit(view):
        view.max_body_size = size
        return view

    return set_limit


def max_body_size_of(path: str) -> int:
    """Return the maximum size of a request body, in bytes, for a path without its query string."""
    return getattr(view_of(path), "max_body_size", settings.MAX_BODY_SIZE)


def view_of(path: str) -> Callable | None:
    """The view that ROOT_URLCONF has for the path, in the language that the path may begin with.

    None if there is none. Middleware may still choose another, by ``request.urlconf`` or a language.
    """
    language = translation.get_language_from_path(path) if settings.USE_I18N else None
    try:
        with translation.override(language) if language else nullcontext():
            return resolve(path, settings.ROOT_URLCONF).func
    except Exception:  # noqa: BLE001 (Resolver404, or of a path converter: Django meets it again)
        return None


class ErrorResponse:
    """A response without Django, after which the connection closes."""

    def __init__(self, status: HTTPStatus, text: str, *headers: tuple[str, str]):
        self.status, self.body = status, f"{text}\n".encode()
        self.headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(self.body))),
            ("Connection", "close"),
            ("X-Content-Type-Options", "nosniff"),
            *headers,
        ]

    def log(self, path: str) -> None:
        """Log it; ``paas.logs`` lets one line in ten seconds through."""
        logger.warning("request rejected", status=self.status.value, path=path)


TOO_LARGE = ErrorResponse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "This request is too large.")
OVERLOADED = ErrorResponse(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "This site is busy. Please try again in a few seconds.",
    ("Retry-After", str(RETRY_AFTER_SECONDS)),
)
