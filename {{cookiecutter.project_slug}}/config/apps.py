from django.apps import AppConfig
from django.core.signals import request_started

from config.database import skip_health_checks


class ProjectConfig(AppConfig):
    name = "config"

    def ready(self):
        from . import checks, middleware  # noqa: F401 (register their checks)

        # After Django's close_old_connections(), which resets health_check_done.
        request_started.connect(skip_health_checks)
