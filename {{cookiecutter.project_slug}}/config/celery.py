"""Celery: what pages need not wait for runs in the worker process, queued through Redis.

A task is acknowledged when it ends. If a deployment or a crash interrupts it, the next worker runs
it again, so tasks must be idempotent: they can run twice. Redis can lose its data, as Heroku's
smallest plan does at a restart. So what must happen has to follow from the database, as in
``welcome/tasks.py``.

A task that ends its worker process twice in a row, because it runs out of memory, is set aside
(``lost_tasks.py``). An error in the log names it, and the command that runs it again::

    python manage.py run_task_again                 # lists the tasks that are set aside
    python manage.py run_task_again ID [ID ...]

A periodic task is a line in ``beat_schedule``, and its time a ``crontab``::

    from celery.schedules import crontab

    app.conf.beat_schedule["clean up"] = {
        "task": "shop.tasks.clean_up",
        "schedule": crontab(minute=17),
    }

An interval in seconds starts again with each deployment: if you deploy every half hour, an hourly
task never runs. A crontab whose moment falls into a restart waits for the next, so let a task do
what earlier runs have missed. Each worker has a clock: with two, periodic tasks run twice.
"""

import logging
import os

from celery import Celery, signals
from django.conf import settings

from config import task_log  # noqa: F401 (connects it)
from config.checks import load_settings, refuse_misconfiguration

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
load_settings()

app = Celery("config", task_cls="config.lost_tasks:Task")
app.autodiscover_tasks()

# Longer than a retry's delay and the longest task together, or a second worker runs the task too.
VISIBILITY_SECONDS = 900
MAX_RETRY_SECONDS = 300

app.conf.update(
    # Without Redis, as in development and tests, a task runs in the process that calls it.
    broker_url=settings.REDIS_URL or "memory://localhost",
    task_always_eager=not settings.REDIS_URL,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_soft_time_limit=240,
    task_time_limit=300,
    # Nothing reads results. To read a task's: result_backend=settings.REDIS_URL here, and
    # ignore_result=False in its decorator.
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    worker_concurrency=settings.WORKER_CONCURRENCY,
    worker_prefetch_multiplier=1,
    # Seconds for tasks to end after SIGTERM, which REMAP_SIGTERM in the command turns into SIGQUIT.
    # The others go back into the queue. Heroku sends SIGKILL after 30 seconds.
    worker_soft_shutdown_timeout=20,
    # A task cannot be acknowledged once the connection to Redis is lost, and would run twice at once.
    worker_cancel_long_running_tasks_on_connection_loss=True,
    broker_connection_retry_on_startup=True,
    # Few Redis connections: a worker keeps 2 and its clock 2; a page closes its own after queueing.
    worker_enable_remote_control=False,
    broker_pool_limit=0,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_SECONDS,
        # Bounds how long a page that queues a task waits while Redis is away.
        "socket_connect_timeout": 3,
        "socket_timeout": 5,
    },
    # Modules of tasks add to it. Celery's default, PersistentScheduler, needs a file that survives.
    beat_schedule={},
    beat_scheduler="celery.beat:Scheduler",
)


@signals.setup_logging.connect
def keep_django_logging(**kwargs):
    """A receiver of this signal keeps Celery from replacing Django's logging."""
    # The line at a task's end is enough; this logger has one at its start.
    logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)


@signals.worker_init.connect
def check(**kwargs):
    refuse_misconfiguration()
