from django.apps import AppConfig


class AsgiConfig(AppConfig):
    name = "paas.asgi"
    label = "paas_asgi"

    def ready(self):
        # Each connects its signal receiver, or registers its checks.
        from paas.asgi import checks, sessions  # noqa: F401
        from paas.checks import redis  # noqa: F401
