from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "config"

    def ready(self):
        from . import checks, middleware  # noqa: F401 (register their checks)
