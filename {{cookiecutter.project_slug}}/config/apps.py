import atexit

from django.apps import AppConfig
from django.core.signals import request_started
from django.db import connection

from config.database import skip_health_checks


class ProjectConfig(AppConfig):
    name = "config"

    def ready(self):
        from . import checks  # noqa: F401 (registers them)

        # After Django's own receiver, which asks for the checks.
        request_started.connect(skip_health_checks)
        if connection.vendor == "postgresql":
            # Left open, a pool's threads hold up the end of any process for twenty seconds.
            # The stubs know only what every database has.
            atexit.register(connection.close_pool)  # type: ignore[attr-defined]
