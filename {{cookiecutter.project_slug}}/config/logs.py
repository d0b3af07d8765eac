"""Logs: one line of JSON per event on stdout; in development, lines for people.

``structlog.get_logger(__name__).info("paid", order=7)`` or ``logging`` as ever: either way a line
has the id of the request that it belongs to. Queries, forms, headers and cookies are not for logs:
they hold passwords and tokens.
"""

import logging
import sys
import time
import traceback

import structlog
from structlog.contextvars import merge_contextvars
from structlog.processors import ExceptionRenderer, JSONRenderer, TimeStamper
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, Processor

from config.request_log import hide_secrets

# Of a traceback: Heroku breaks lines of more than 10,000 bytes.
MOST_FRAMES = 20
# Servers of development have a line of their own for each request.
ACCESS_LOGGERS = ("django.server", "django.channels.server")
# What these say they say again and again, while something is away, overloaded or attacked.
REPETITIVE_LOGGERS = (
    "channels_redis.pubsub",
    "config.limits",
    "django.security.DisallowedHost",
    "waitress.queue",
)
SECONDS_BETWEEN_REPETITIONS = 10


class Seldom(logging.Filter):
    """Let a line through now and then: as a warning, without its traceback."""

    def __init__(self):
        super().__init__()
        self.silent_until = 0.0

    def filter(self, record) -> bool:
        now = time.monotonic()
        if now < self.silent_until:
            return False
        self.silent_until = now + SECONDS_BETWEEN_REPETITIONS
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        if record.exc_info:
            record.msg = f"{record.getMessage()} ({record.exc_info[0].__name__})"
            record.args, record.exc_info = (), None
        return True


def merge_context(logger, method: str, event: EventDict) -> EventDict:
    """Processor: what is bound to the context, such as the request's id."""
    # That task outlives the socket which happened to start it.
    is_background = event["_record"].name == "channels_redis.pubsub"
    return event if is_background else merge_contextvars(logger, method, event)


def format_exception(exc_info) -> str:
    """The last frames, where it happened, and never the values of variables."""
    return "".join(traceback.format_exception(*exc_info, limit=-MOST_FRAMES)).rstrip()


DESCRIPTION: list[Processor] = [add_log_level, add_logger_name, TimeStamper(fmt="iso", utc=True)]
FOR_PEOPLE: list[Processor] = [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())]
FOR_PROGRAMS: list[Processor] = [ExceptionRenderer(format_exception), JSONRenderer()]

structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        merge_contextvars,
        *DESCRIPTION,
        ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)


def configuration(level: int | str, rendering: list[Processor] = FOR_PROGRAMS) -> dict:
    """What ``logging.config.dictConfig`` takes, of lines by structlog and by ``logging``."""
    formatter = {
        "()": ProcessorFormatter,
        "foreign_pre_chain": [merge_context, *DESCRIPTION],
        "processors": [ProcessorFormatter.remove_processors_meta, *rendering],
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
            # Log-ins that succeed are requests like any other.
            "axes": {"level": "WARNING"},
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            # What is no error is in the request's own line.
            "django.request": {"level": "ERROR", "filters": [hide_secrets]},
            "django.security.csrf": {"filters": [hide_secrets]},
            **{name: {"handlers": [], "level": "CRITICAL"} for name in ACCESS_LOGGERS},
            **{name: {"filters": [Seldom()]} for name in REPETITIVE_LOGGERS},
        },
    }
