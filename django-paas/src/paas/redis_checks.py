"""Deploy check: Redis is required, and its URL valid."""

import re

from django.core.checks import Error

from paas.checks import deploy_error, environment_check
from paas.conf import settings


@environment_check
def check_redis() -> Error | None:
    if not settings.REDIS_URL:
        return deploy_error(4, "REDIS_URL", "is not set.")
    if not re.match(r"rediss?://([^/@]*@)?[\w.-]+(:\d+)?([/?]|$)", settings.REDIS_URL):
        return deploy_error(4, "REDIS_URL", "must have the form rediss://:password@host:port.")
    return None
