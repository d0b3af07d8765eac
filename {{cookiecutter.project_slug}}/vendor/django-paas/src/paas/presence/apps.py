from django.apps import AppConfig


class PresenceConfig(AppConfig):
    name = "paas.presence"
    label = "presence"

    def ready(self):
        from . import receivers  # noqa: F401 (connects them)
