"""Error tracking by Sentry, or what speaks its protocol; imported only if ``SENTRY_DSN`` is set."""

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.utils import BadDsn
from structlog.contextvars import get_contextvars

from paas.startup import exit_with_errors

# Parts of an event that tell who asked, and for what: addresses, headers, queries, forms.
PERSONAL = ("breadcrumbs", "extra", "request", "user")


def init_sentry(dsn: str) -> None:
    """Report unhandled errors, and what is logged as one, to where ``dsn`` says.

    The SDK itself finds the release in the environment; ends the process if it can't use ``dsn``.
    """
    try:
        sentry_sdk.init(
            dsn,
            send_default_pii=False,
            include_local_variables=False,
            max_breadcrumbs=0,
            before_send=strip_personal_data,
            # It prints, where each line of the log is JSON.
            integrations=[AtexitIntegration(callback=lambda pending, timeout: None)],
        )
    except BadDsn as error:
        exit_with_errors([f"SENTRY_DSN: {error}."])


def strip_personal_data(event, hint):
    """The event without what is personal, and with the id of the request, to find it in the logs."""
    request_id = get_contextvars().get("request_id")
    tags = event.get("tags", {}) | ({"request_id": request_id} if request_id else {})
    return {name: part for name, part in event.items() if name not in PERSONAL} | {"tags": tags}
