from django.apps import AppConfig


class AsgiConfig(AppConfig):
    name = "paas.asgi"

    def ready(self):
        from . import checks, sessions  # noqa: F401 (registers checks and signal receivers)
