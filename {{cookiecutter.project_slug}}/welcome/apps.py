from django.apps import AppConfig


class WelcomeConfig(AppConfig):
    name = "welcome"

    def ready(self):
        from . import checks, signals  # noqa: F401 (registers and connects them)
