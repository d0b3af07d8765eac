"""Adds the id of the request that queued a task to every log line of the task."""

from celery import signals
from structlog.contextvars import bind_contextvars, get_contextvars, reset_contextvars


@signals.before_task_publish.connect
def add_request_id(headers: dict, **kwargs):
    if request_id := get_contextvars().get("request_id"):
        headers["request_id"] = request_id


@signals.task_prerun.connect
def bind(task, task_id: str, **kwargs):
    context = {"task": task.request.shadow or task.name, "task_id": task_id}
    # Missing if the web process runs the task itself, whose context has the id already.
    if request_id := task.request.get("request_id"):
        context["request_id"] = request_id
    task.request.bound = bind_contextvars(**context)


@signals.task_postrun.connect
def unbind(task, **kwargs):
    reset_contextvars(**task.request.bound)
