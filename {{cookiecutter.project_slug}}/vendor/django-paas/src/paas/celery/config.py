"""Celery's settings and its start: https://docs.celeryq.dev/en/stable/userguide/configuration.html.

Its lowercase names are Celery's settings: ``app.config_from_object("paas.celery.config")``.
"""

import logging

from celery import signals

from paas.celery import log as task_log  # noqa: F401 (connects its signal receivers)
from paas.conf import settings
from paas.startup import exit_if_misconfigured, load_settings

load_settings()

# Seconds after which the tasks of a killed worker go to another. A running worker keeps its own, by
# paas/celery/queue.py, but not with `--pool solo`: so it is more than the longest task takes.
VISIBILITY_TIMEOUT = settings.TASK_TIME_LIMIT + 600

# Without Redis, as in development and tests, a task runs in the process that calls it.
broker_url = settings.REDIS_URL or "memory://localhost"
task_always_eager = not settings.REDIS_URL
# With kombu's own, a message that is no task ends the worker.
broker_transport = "paas.celery.queue:Transport" if settings.REDIS_URL else None

# Acknowledge a task when it ends, so that another worker runs it if this one is stopped or killed.
task_acks_late = True
task_reject_on_worker_lost = True
task_time_limit = settings.TASK_TIME_LIMIT
task_soft_time_limit = task_time_limit * 4 // 5  # raises SoftTimeLimitExceeded in the task

# Nothing reads results. If you do: app.conf.result_backend = settings.REDIS_URL, where your project
# makes the app, and ignore_result=False in the task's decorator.
task_ignore_result = True
task_serializer = "json"
accept_content = ["json"]

worker_concurrency = settings.WORKER_CONCURRENCY
worker_prefetch_multiplier = 1
# Seconds for tasks to end after SIGTERM, which REMAP_SIGTERM in the command turns into SIGQUIT; the
# others go back to the queue. Less than the platform waits before SIGKILL.
worker_soft_shutdown_timeout = 20
# Without a connection a task cannot be acknowledged: end it, or it runs twice at the same time.
worker_cancel_long_running_tasks_on_connection_loss = True
broker_connection_retry_on_startup = True

# Few Redis connections: 2 for a worker, 2 for its beat, none kept by web processes.
worker_enable_remote_control = False
broker_pool_limit = 0
broker_transport_options = {
    "visibility_timeout": VISIBILITY_TIMEOUT,
    # Bound the time that a page waits to queue a task while Redis is unavailable.
    "socket_connect_timeout": 3,
    "socket_timeout": 5,
}
# With the default, PersistentScheduler, each worker would send every periodic task.
beat_scheduler = "paas.celery.periodic:OnceScheduler"


@signals.setup_logging.connect
def keep_django_logging(**kwargs):
    """A receiver of this signal keeps Celery from replacing Django's logging."""
    # It logs the start of each task; the line at the end is enough, also for Django's tasks.
    logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)
    logging.getLogger("django.tasks").setLevel(logging.CRITICAL)


@signals.worker_init.connect
def check(**kwargs):
    exit_if_misconfigured()
    # Imported here, as it needs the apps. One connection for each task at a time, one for the beat.
    from paas.db.budget import log_at_start

    log_at_start(settings.WORKER_CONCURRENCY + 1)
