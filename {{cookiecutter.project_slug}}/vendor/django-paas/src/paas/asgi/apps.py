from django.apps import AppConfig


class AsgiConfig(AppConfig):
    name = "paas.asgi"
    label = "paas_asgi"

    def ready(self):
        # One registers its checks, the other connects its signal receiver.
        from paas.asgi import checks, sessions  # noqa: F401
