"""Tasks that end their worker process: they run out of memory, or crash Python itself.

Celery runs such a task again each time (``task_reject_on_worker_lost``), and does not count:
https://github.com/celery/celery/issues/9082. So a row of ``UnfinishedTask`` marks each run from
its start to its end. If the row is there already when a task starts, the worker was lost during
the last run. After MAX_LOSSES in a row the task is set aside.

A failure or a retry ends a run. So does a shutdown that hands the task to the next worker. If a
whole worker is killed, each task that it was running counts as lost.

The row takes a database connection. A task that needs none, and is queued often, does without:
``@shared_task(base=celery.contrib.django.task.DjangoTask)``.
"""

import json
import logging
from datetime import timedelta

from billiard.common import terminate_handler_fired
from celery import signals
from celery.contrib.django.task import DjangoTask
from celery.exceptions import Reject
from django.db import Error, connection
from django.utils import timezone
from kombu.utils.json import dumps

from paas.celery.models import UnfinishedTask

MAX_LOSSES = 2

logger = logging.getLogger(__name__)


class Task(DjangoTask):
    """The base class of all tasks."""

    def before_start(self, task_id, args, kwargs):
        if self.request.is_eager:
            return
        try:
            if unfinished := UnfinishedTask.objects.filter(task_id=task_id).first():
                self.count_loss(unfinished)
            else:
                UnfinishedTask.objects.create(task_id=task_id)
        except (Error, ValueError) as error:  # ValueError: a NUL character in the id
            # Tasks that do not need the database still run.
            logger.warning("The start of %s[%s] is not recorded: %r", self.name, task_id, error)

    def count_loss(self, unfinished: UnfinishedTask) -> None:
        """Count the last run as lost; raises Reject if that was one too many."""
        unfinished.losses += 1
        if unfinished.losses < MAX_LOSSES:
            unfinished.save()
            return
        unfinished.name = self.name
        # Celery's JSON marks UUIDs, dates and bytes, so that run_task_again can restore them.
        arguments = dumps([self.request.args, self.request.kwargs])
        unfinished.args, unfinished.kwargs = json.loads(arguments)
        unfinished.set_aside_at = timezone.now()
        unfinished.save()
        logger.error(
            "Task %s[%s] is set aside: its worker was lost %d times. "
            "To run it again: python manage.py run_task_again %s",
            *(self.name, unfinished.task_id, unfinished.losses, unfinished.task_id),
        )
        raise Reject("its worker was lost too often", requeue=False)


@signals.task_postrun.connect
def record_end(task, task_id: str, state: str | None, retval, **kwargs):
    """Delete the row, unless this run ends the worker."""
    if task.request.is_eager or not isinstance(task, Task):
        return
    # SystemExit ends this process; after MemoryError, Celery ends the whole worker.
    is_lost = state is None or isinstance(retval, MemoryError)
    # SystemExit is also how a worker that shuts down interrupts its tasks.
    if terminate_handler_fired() or not is_lost:
        UnfinishedTask.objects.filter(task_id=task_id, set_aside_at=None).delete()


@signals.worker_init.connect
def delete_old(**kwargs):
    """Delete what no worker will run again: Redis lost it, or it exceeded task_time_limit."""
    day_ago = timezone.now() - timedelta(days=1)
    UnfinishedTask.objects.filter(set_aside_at=None, started_at__lt=day_ago).delete()
    connection.close()
