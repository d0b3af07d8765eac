from importlib import import_module

from django.apps import AppConfig
from django.conf import settings
from django.core.signals import request_started
from django.utils.module_loading import import_string

from paas import logs
from paas.database import skip_health_checks


class PaasConfig(AppConfig):
    name = "paas"

    def ready(self):
        logs.configure_structlog()
        # After Django's close_old_connections(), which resets health_check_done.
        request_started.connect(skip_health_checks)
        # Importing these modules registers their checks and signal receivers.
        import_module("paas.checks")
        for probe in settings.READINESS_PROBES.values():
            import_string(probe)
        if hasattr(settings, "ASGI_APPLICATION"):
            import_module("paas.asgi.checks")
            import_module("paas.asgi.sessions")
        if hasattr(settings, "BUCKET"):
            import_module("paas.bucket_checks")
        if hasattr(settings, "EMAIL_URL"):
            import_module("paas.mail_checks")
        if settings.SENTRY_DSN:
            # Imported here, as it takes 0.2 s.
            from paas.sentry import init_sentry

            init_sentry(settings.SENTRY_DSN)
