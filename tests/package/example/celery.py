import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.settings")

app = Celery("example", task_cls="paas.celery.lost_tasks:Task")
app.config_from_object("paas.celery.config")
app.autodiscover_tasks()
