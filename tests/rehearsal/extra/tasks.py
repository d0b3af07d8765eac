"""A periodic task, in projects with Celery; nothing else imports this module."""

from celery import current_app, shared_task
from extra.models import Row

PERIOD = 2  # seconds


@shared_task
def tick():
    Row.objects.create(name="tick")


current_app.conf.beat_schedule["tick"] = {"task": "extra.tasks.tick", "schedule": PERIOD}
