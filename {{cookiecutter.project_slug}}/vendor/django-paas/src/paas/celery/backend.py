"""Django's tasks, run by Celery: ``TASKS = {"default": {"BACKEND": "paas.celery.backend.CeleryBackend"}}``.

https://docs.djangoproject.com/en/stable/topics/tasks/
"""

from dataclasses import replace
from traceback import format_exc
from uuid import uuid4

from celery import shared_task
from django.tasks import Task, TaskContext, TaskResult, TaskResultStatus
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.base import DEFAULT_TASK_QUEUE_NAME, TaskError
from django.tasks.signals import task_enqueued, task_finished, task_started
from django.utils import timezone
from django.utils.module_loading import import_string


class CeleryBackend(BaseTaskBackend):
    """It has no ``get_result()``, as nothing stores results."""

    supports_defer = supports_async_task = supports_priority = True

    def enqueue(self, task, args, kwargs):
        self.validate_task(task)
        result = new_result(task, str(uuid4()), args, kwargs, enqueued_at=timezone.now())
        eta = task.run_after
        # Django's are -100 to 100, the last first. Celery's on Redis are 0 to 9, the first first.
        priority = 9 - (task.priority + 100) * 9 // 200
        run.apply_async(
            [task.module_path, result.args, result.kwargs],
            task_id=result.id,
            shadow=task.module_path,  # its name in the log
            eta=timezone.make_aware(eta) if eta and timezone.is_naive(eta) else eta,
            priority=priority,
            queue=None if task.queue_name == DEFAULT_TASK_QUEUE_NAME else task.queue_name,
        )
        task_enqueued.send(type(self), task_result=result)
        return result


@shared_task(bind=True)
def run(self, path: str, args: list, kwargs: dict) -> None:
    """Run Django's task with that dotted path; raises what it raises."""
    task = import_string(path)
    if not isinstance(task, Task):
        raise TypeError(f"{path} is not a Django task.")
    sender, now = type(task.get_backend()), timezone.now()
    state: dict = {"status": TaskResultStatus.RUNNING, "worker_ids": [self.request.hostname]}
    state |= {"started_at": now, "last_attempted_at": now}
    result = new_result(task, self.request.id, args, kwargs, **state)
    task_started.send(sender, task_result=result)
    context: list = [TaskContext(task_result=result)] if task.takes_context else []
    try:
        task.call(*context, *args, **kwargs)
    except Exception as error:
        name = f"{type(error).__module__}.{type(error).__qualname__}"
        result.errors.append(TaskError(exception_class_path=name, traceback=format_exc()))
        send_finished(result, sender, TaskResultStatus.FAILED)
        raise
    send_finished(result, sender, TaskResultStatus.SUCCESSFUL)


def send_finished(result: TaskResult, sender: type, status: TaskResultStatus) -> None:
    ended = replace(result, status=status, finished_at=timezone.now())
    task_finished.send(sender, task_result=ended)


def new_result(task: Task, task_id: str, args, kwargs, **state) -> TaskResult:
    """A result of the task that is READY, has no times and no errors, unless ``state`` has them."""
    times = dict.fromkeys(["enqueued_at", "started_at", "last_attempted_at", "finished_at"])
    fields: dict = {"status": TaskResultStatus.READY, "errors": [], "worker_ids": []} | times
    fields |= {"task": task, "id": task_id, "args": args, "kwargs": kwargs, "backend": task.backend}
    return TaskResult(**(fields | state))
