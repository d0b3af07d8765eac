from django.apps import AppConfig


class WorkerConfig(AppConfig):
    """The tables of Celery's tasks. The label is that of v0.3, whose tables these are."""

    name = "paas.worker"
    label = "paas"
