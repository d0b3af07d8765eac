from django.apps import AppConfig


class PresenceConfig(AppConfig):
    name = "presence"
    label = "presence_page"  # the label "presence" is that of paas.presence

    def ready(self):
        from . import signals  # noqa: F401 (connects them)
