from django.apps import AppConfig


class AsgiConfig(AppConfig):
    name = "paas.asgi"

    def ready(self):
        from . import sessions  # noqa: F401 (connects its signal receiver)
