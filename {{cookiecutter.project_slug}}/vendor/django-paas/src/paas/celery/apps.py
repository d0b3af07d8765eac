from django.apps import AppConfig


class CeleryConfig(AppConfig):
    name = "paas.celery"
    label = "paas_celery"

    def ready(self):
        from paas.checks import redis  # noqa: F401 (registers its check)
