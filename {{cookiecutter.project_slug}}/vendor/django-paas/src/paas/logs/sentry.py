"""Error tracking with Sentry or a compatible service; imported only if SENTRY_DSN is set.

https://docs.sentry.io/platforms/python/integrations/django/
"""

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.utils import BadDsn
from structlog.contextvars import get_contextvars

from paas.startup import exit_with_errors

# Fields of an event that hold IP addresses, headers, query strings and forms.
PERSONAL_FIELDS = ("breadcrumbs", "extra", "request", "user")


def init_sentry(dsn: str) -> None:
    """Report unhandled exceptions and logged errors to ``dsn``; exit if it is invalid.

    If the settings have called ``sentry_sdk.init()``, that stays. The SDK reads the release from the
    environment.
    """
    if sentry_sdk.is_initialized():
        return
    try:
        sentry_sdk.init(
            dsn,
            send_default_pii=False,
            include_local_variables=False,
            max_breadcrumbs=0,
            before_send=strip_personal_data,
            # By default it prints text at exit, but each line of the log must be JSON.
            integrations=[AtexitIntegration(callback=lambda pending, timeout: None)],
        )
    except BadDsn as error:
        exit_with_errors([f"SENTRY_DSN: {error}."])


def strip_personal_data(event, hint):
    """Remove PERSONAL_FIELDS from the event, and add the request id, to find its log lines."""
    request_id = get_contextvars().get("request_id")
    tags = event.get("tags", {}) | ({"request_id": request_id} if request_id else {})
    kept = {name: value for name, value in event.items() if name not in PERSONAL_FIELDS}
    return kept | {"tags": tags}
