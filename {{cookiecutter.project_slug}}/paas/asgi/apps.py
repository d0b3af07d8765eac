from importlib import import_module

from django.apps import AppConfig


class AsgiConfig(AppConfig):
    name = "paas.asgi"

    def ready(self):
        # Importing these modules registers their checks and signal receivers.
        import_module("paas.asgi.checks")
        import_module("paas.asgi.sessions")
