from django.db import models


class UnfinishedTask(models.Model):
    """A task that has started and not ended: it is running, or its worker process was lost.

    ``losses`` counts the runs that were lost. A task that is set aside is not run again, and only
    such a task has ``name``, ``args`` and ``kwargs``.
    """

    task_id = models.CharField(max_length=255, primary_key=True)
    losses = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(auto_now=True)
    name = models.CharField(max_length=255)
    args = models.JSONField(default=list)
    kwargs = models.JSONField(default=dict)
    set_aside_at = models.DateTimeField(null=True)

    def __str__(self):
        return f"{self.task_id} {self.name}, args {self.args}, kwargs {self.kwargs}"


class PeriodicTask(models.Model):
    """An entry of ``beat_schedule``, by its name, and when a worker last sent it."""

    name = models.TextField(primary_key=True)  # perhaps the call with its arguments
    last_run_at = models.DateTimeField()

    def __str__(self):
        return f"{self.name}, last run at {self.last_run_at}"
