"""Deploy check: Redis is there for the apps that need it, and its URL valid."""

import re
from importlib import import_module

from django.apps import apps
from django.core.checks import Error

from paas.checks import deploy_error, environment_check
from paas.conf import settings

# Groups of WebSockets, and the queue of tasks.
NEED_REDIS = ("paas.asgi", "paas.celery")


@environment_check
def check_redis() -> Error | None:
    if not settings.REDIS_URL:
        is_needed = any(map(apps.is_installed, NEED_REDIS))
        return deploy_error(4, "REDIS_URL", "is not set.") if is_needed else None
    if not re.match(r"rediss?://([^/@]*@)?[\w.-]+(:\d+)?([/?]|$)", settings.REDIS_URL):
        error = deploy_error(4, "REDIS_URL", "must have the form rediss://:password@host:port.")
        hints = import_module(settings.PLATFORM).HINTS
        error.hint = hints.get("malformed REDIS_URL", error.hint)
        return error
    return None
