from django.apps import AppConfig
from django.conf import settings
from django.core.signals import request_started

from config import logs
from config.database import skip_health_checks


class ProjectConfig(AppConfig):
    name = "config"

    def ready(self):
        from . import checks, middleware  # noqa: F401 (register their checks)

        logs.configure_structlog()
        # After Django's close_old_connections(), which resets health_check_done.
        request_started.connect(skip_health_checks)
        if settings.SENTRY_DSN:
            from .error_tracking import init_sentry

            init_sentry(settings.SENTRY_DSN)
