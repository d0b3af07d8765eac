from django.apps import AppConfig


class PresenceConfig(AppConfig):
    name = "paas.presence"
    label = "paas_presence"

    def ready(self):
        from . import receivers  # noqa: F401 (connects them)
