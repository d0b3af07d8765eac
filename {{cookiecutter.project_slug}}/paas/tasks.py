from celery import shared_task
from django.core.management import call_command


@shared_task
def clear_sessions() -> None:
    """Delete expired sessions; the schedule is in ``config/celery.py``."""
    call_command("clearsessions")
