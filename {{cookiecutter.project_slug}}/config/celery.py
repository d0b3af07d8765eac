"""The Celery app and its periodic tasks. Other settings are in ``paas.celery.config``.

A task is a function with ``@shared_task`` in ``tasks.py`` of an app.
Tasks must be idempotent: a deployment or a crash interrupts one, and the next worker runs it again.
Redis can lose the queue, as small plans do at a restart: find what is left to do in the database.

``python manage.py run_task_again`` lists tasks that ended their worker twice (``paas.celery.lost_tasks``).
"""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("config", task_cls="paas.celery.lost_tasks:Task")
app.config_from_object("paas.celery.config")
app.autodiscover_tasks()

# https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html
# Each runs once per period, with any number of workers (``paas.celery.periodic``).
app.conf.beat_schedule = {
    "clear sessions": {
        "task": "paas.celery.tasks.clear_sessions",
        "schedule": crontab(hour=3, minute=30),
    },
    # <% if cookiecutter.__welcome == "yes" %>
    "send missed welcome mails": {
        "task": "welcome.tasks.send_missed",
        "schedule": crontab(minute=17),  # of every hour
    },
    # <% endif %>
}
