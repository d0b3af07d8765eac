from django.apps import AppConfig


class PresenceConfig(AppConfig):
    name = "presence"
    navigation = ("presence", "Who is online")

    def ready(self):
        from . import signals  # noqa: F401 (connects them)
