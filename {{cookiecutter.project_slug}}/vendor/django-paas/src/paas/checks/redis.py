"""Deploy check: Redis is required, and its URL valid."""

import re
from importlib import import_module

from django.core.checks import Error

from paas.checks import deploy_error, environment_check
from paas.conf import settings


@environment_check
def check_redis() -> Error | None:
    if not settings.REDIS_URL:
        return deploy_error(4, "REDIS_URL", "is not set.")
    if not re.match(r"rediss?://([^/@]*@)?[\w.-]+(:\d+)?([/?]|$)", settings.REDIS_URL):
        error = deploy_error(4, "REDIS_URL", "must have the form rediss://:password@host:port.")
        hints = import_module(settings.PLATFORM).HINTS
        error.hint = hints.get("malformed REDIS_URL", error.hint)
        return error
    return None
