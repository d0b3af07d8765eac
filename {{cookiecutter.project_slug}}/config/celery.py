"""Celery: what need not hold up a page runs in the worker process, handed over through Redis.

A task is acknowledged once it is done. So one that a deployment or a crash cuts short starts anew
in the next worker, and every task must bear to run twice. Redis may lose its memory, as Heroku's
smallest plan does at a restart: what must happen is also to be read off the database, as in
``welcome/tasks.py``. That has a periodic task, too: a line that adds to ``beat_schedule``. Every
worker has a clock, so with two workers it runs twice as often.
"""

import logging
import os

from celery import Celery, signals
from django.conf import settings

from config import task_log  # noqa: F401 (connects it)
from config.checks import refuse_misconfiguration

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("config")
app.autodiscover_tasks()

# Longer than the wait for a retry and the longest task together, or another worker runs it as well.
VISIBILITY_SECONDS = 900
MAX_RETRY_SECONDS = 300

app.conf.update(
    # Development and tests need no Redis: tasks run where they are called.
    broker_url=settings.REDIS_URL or "memory://localhost",
    task_always_eager=not settings.REDIS_URL,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_soft_time_limit=240,
    task_time_limit=300,
    # Nothing reads results. To: result_backend=settings.REDIS_URL, and a task's ignore_result=False.
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    worker_concurrency=settings.WORKER_CONCURRENCY,
    worker_prefetch_multiplier=1,
    # Tasks get this long to end after SIGTERM, which the command makes a SIGQUIT; what is left
    # then goes back into the queue, before Heroku kills after 30 seconds.
    worker_soft_shutdown_timeout=20,
    # What runs while Redis is lost could not be acknowledged, and would run a second time beside it.
    worker_cancel_long_running_tasks_on_connection_loss=True,
    broker_connection_retry_on_startup=True,
    # Few connections: a worker keeps 2 and its clock 2, pages close theirs once they have queued.
    worker_enable_remote_control=False,
    broker_pool_limit=0,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_SECONDS,
        # A page that queues a task waits no longer than this for a Redis that is away.
        "socket_connect_timeout": 3,
        "socket_timeout": 5,
    },
    # Tasks add theirs. The other scheduler there is would keep its times in a file.
    beat_schedule={},
    beat_scheduler="celery.beat:Scheduler",
)


@signals.setup_logging.connect
def keep_django_logging(**kwargs):
    """Being connected keeps Celery from replacing it. What came of a task is one line at its end."""
    logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)


@signals.worker_init.connect
def check(**kwargs):
    refuse_misconfiguration()
