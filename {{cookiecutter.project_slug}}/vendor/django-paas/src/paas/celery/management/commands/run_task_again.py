import json

from celery import current_app
from django.core.management.base import BaseCommand, CommandError
from kombu.utils.json import loads

from paas.celery.models import UnfinishedTask


class Command(BaseCommand):
    help = "Queue tasks again that were set aside (paas/celery/lost_tasks.py); without an ID, list them."

    def add_arguments(self, parser):
        parser.add_argument("task_ids", nargs="*", metavar="ID")

    def handle(self, *args, task_ids, **options):
        set_aside = UnfinishedTask.objects.exclude(set_aside_at=None)
        if not task_ids:
            for task in set_aside.order_by("set_aside_at"):
                self.stdout.write(str(task))
        current_app.loader.import_default_modules()
        for task_id in task_ids:
            try:
                task = set_aside.get(task_id=task_id)
            except UnfinishedTask.DoesNotExist:
                raise CommandError(f"No task {task_id} is set aside.") from None
            arguments = loads(json.dumps([task.args, task.kwargs]))
            current_app.tasks[task.name].apply_async(*arguments)
            task.delete()
