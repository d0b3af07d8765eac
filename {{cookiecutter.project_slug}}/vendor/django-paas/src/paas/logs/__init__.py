"""Logs: one JSON object per line on stdout; in development, lines in columns.

``structlog.get_logger(__name__).info("paid", order=7)`` and ``logging`` both work, and add the id of
the request. Do not log query strings, forms, headers or cookies: they have passwords and tokens.

Settings import this module, so it must not import ``django.conf.settings`` or models.
"""

import logging
import sys
import time
import traceback

import structlog
from django.urls import ResolverMatch, resolve
from structlog.contextvars import merge_contextvars
from structlog.processors import ExceptionRenderer, JSONRenderer, TimeStamper
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, Processor

# Frames of a traceback: platforms split lines of more than 10,000 bytes.
MAX_FRAMES = 20
MAX_PATH_LENGTH = 1000
# Names of URL arguments that hold a secret, such as a password-reset token.
SECRET_ARGUMENTS = {"token", "key"}
# They log a line per request, or per second, during an outage, an overload or an attack.
RATE_LIMITED_LOGGERS = (
    "channels_redis.pubsub",
    "django.security.DisallowedHost",
    "django.security.RequestDataTooBig",
    "django.security.TooManyFieldsSent",
    "django.security.TooManyFilesSent",
    "paas.limits",
    "waitress.queue",  # a line for each request that waits for a thread
)
RATE_LIMIT_SECONDS = 10
# Loggers of tasks that outlive the request or WebSocket which happened to start them.
BACKGROUND_LOGGERS = ("channels_redis.pubsub",)


class RateLimitFilter(logging.Filter):
    """Pass one record every RATE_LIMIT_SECONDS, as a warning without its traceback."""

    def __init__(self):
        super().__init__()
        self.silent_until = 0.0

    def filter(self, record) -> bool:
        now = time.monotonic()
        if now < self.silent_until:
            return False
        self.silent_until = now + RATE_LIMIT_SECONDS
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        if record.exc_info:
            record.msg = f"{record.getMessage()} ({record.exc_info[0].__name__})"
            record.args, record.exc_info = (), None
        return True


def merge_context(logger, method: str, event: EventDict) -> EventDict:
    """Processor: add the context variables, such as the request's id."""
    is_background = event["_record"].name in BACKGROUND_LOGGERS
    return event if is_background else merge_contextvars(logger, method, event)


def loggable_path(request) -> str:
    """The path without its query string; the URL pattern's route if the path has a token."""
    path = request.path_info
    # A redirect to HTTPS or to the final slash comes before the URL is resolved.
    match = request.resolver_match or resolve_path(path) or resolve_path(f"{path}/")
    if match and SECRET_ARGUMENTS & match.kwargs.keys():
        return f"/{match.route}"
    return request.path[:MAX_PATH_LENGTH]


def resolve_path(path: str) -> ResolverMatch | None:
    try:
        return resolve(path)
    except Exception:  # noqa: BLE001 (Resolver404, or of a path converter)
        return None


def strip_query_string(record) -> bool:
    """Filter for Django's log lines about a request: replace its path by loggable_path()."""
    if record.args and hasattr(record, "request"):
        *arguments, _ = record.args  # the path comes last
        stripped = (str(argument).partition("?")[0] for argument in arguments)
        record.args = (*stripped, loggable_path(record.request))
    return True


def strip_request(record) -> bool:
    """Filter for Gunicorn's log: no query string, and nothing of a request that is not valid HTTP."""
    message, invalid = record.getMessage(), "Invalid request"
    record.msg = invalid if message.startswith(invalid) else message.partition("?")[0]
    record.args = ()
    return True


def format_exception(exc_info) -> str:
    """The last MAX_FRAMES of the traceback, without the values of variables."""
    return "".join(traceback.format_exception(*exc_info, limit=-MAX_FRAMES)).rstrip()


SHARED_PROCESSORS: list[Processor] = [
    add_log_level,
    add_logger_name,
    TimeStamper(fmt="iso", utc=True),
]
CONSOLE: list[Processor] = [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())]
JSON: list[Processor] = [ExceptionRenderer(format_exception), JSONRenderer()]


def configure_structlog() -> None:
    """Send structlog's events through ``logging``. Earlier events have structlog's own format."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            merge_contextvars,
            *SHARED_PROCESSORS,
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def configuration(level: int | str, as_json: bool = True) -> dict:
    """The value of LOGGING: a format for both structlog and ``logging``."""
    formatter = {
        "()": ProcessorFormatter,
        "foreign_pre_chain": [merge_context, *SHARED_PROCESSORS],
        "processors": [ProcessorFormatter.remove_processors_meta, *(JSON if as_json else CONSOLE)],
    }
    stdout = {
        "class": "logging.StreamHandler",
        "stream": "ext://sys.stdout",
        "formatter": "line",
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "handlers": {"stdout": stdout},
        "root": {"handlers": ["stdout"], "level": level},
        "loggers": {
            # At INFO it logs successful logins, which the request log has.
            "axes": {"level": "WARNING"},
            # Not Django's mail to ADMINS: its report has passwords, as variables of functions.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            # Its warnings about 4xx responses would repeat the request log.
            "django.request": {"level": "ERROR", "filters": [strip_query_string]},
            "django.security.csrf": {"filters": [strip_query_string]},
            # runserver's line for each request; paas/logs/requests.py has one.
            "django.server": {"handlers": [], "level": "CRITICAL"},
            # Servers have their own formats, until the application is imported.
            "uvicorn": {"handlers": [], "propagate": True},
            # At INFO it logs the query string of each WebSocket.
            "uvicorn.error": {"handlers": [], "level": "WARNING", "propagate": True},
            "gunicorn.error": {"handlers": [], "propagate": True, "filters": [strip_request]},
            # As runserver's. Heroku turns Gunicorn's on, by GUNICORN_CMD_ARGS.
            "gunicorn.access": {"handlers": [], "level": "CRITICAL"},
            "uvicorn.access": {"handlers": [], "level": "CRITICAL"},
            **{name: {"filters": [RateLimitFilter()]} for name in RATE_LIMITED_LOGGERS},
            # At INFO it logs each connection that a thread takes and gives back.
            "psycopg.pool": {"level": "WARNING", "filters": [RateLimitFilter()]},
        },
    }
