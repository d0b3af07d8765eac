from django.apps import AppConfig


class PresenceConfig(AppConfig):
    name = "presence"

    def ready(self):
        from . import signals  # noqa: F401 (connects them)
