import atexit

from django.apps import AppConfig
from django.db import connection


class ProjectConfig(AppConfig):
    name = "config"

    def ready(self):
        from . import checks  # noqa: F401 (registers them)

        if connection.vendor == "postgresql":
            # Left open, a pool's threads hold up the end of any process for twenty seconds.
            # The stubs know only what every database has.
            atexit.register(connection.close_pool)  # type: ignore[attr-defined]
