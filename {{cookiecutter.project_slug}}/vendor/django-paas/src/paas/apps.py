from importlib import import_module

from django.apps import AppConfig
from django.core.signals import request_started
from django.utils.module_loading import import_string

from paas import logs
from paas.conf import settings
from paas.db.health import skip_health_checks
from paas.startup import seal_settings


class PaasConfig(AppConfig):
    name = "paas"

    def ready(self):
        # pytest loads the settings without paas.startup.
        seal_settings()
        logs.configure_structlog()
        # After Django's close_old_connections(), which resets health_check_done.
        request_started.connect(skip_health_checks)
        # Importing these modules registers their checks.
        from paas.checks import bucket, database, mail, production, redis  # noqa: F401

        for module in settings.DEPLOY_CHECKS:
            import_module(module)
        # A misspelled probe fails here, not at the first /readyz.
        for probe in settings.READINESS_PROBES.values():
            import_string(probe)
        if settings.SENTRY_DSN:
            # Imported here, as it takes 0.2 s.
            from paas.logs.sentry import init_sentry

            init_sentry(settings.SENTRY_DSN)
