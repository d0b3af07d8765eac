from django.apps import AppConfig


class CeleryConfig(AppConfig):
    name = "paas.celery"
    label = "paas_celery"
