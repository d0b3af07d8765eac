"""A periodic task, and a slow one of Django's, in projects with Celery; nothing else imports this module."""

from celery import current_app, shared_task
from django.db import connection
from django.tasks import task
from extra.models import Row

PERIOD = 2  # seconds


@shared_task
def tick():
    Row.objects.create(name="tick")


@task
def sleep_in_database(seconds):
    """A query that takes ``seconds``; then write a row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])
    Row.objects.create(name="slept in database")


current_app.conf.beat_schedule["tick"] = {"task": "extra.tasks.tick", "schedule": PERIOD}
