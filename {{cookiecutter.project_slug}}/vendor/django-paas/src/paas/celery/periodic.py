"""Periodic tasks that run once per period, however many workers run with ``--beat``.

Every worker runs Celery's beat. Before it sends a task that is due, it locks the task's row of
``PeriodicTask`` and asks the schedule again, from the last run that the row has: only the first
worker finds the task still due. There is no leader: if a worker is killed, the next one that finds
the task due sends it, and what Redis loses does not matter. A run that was due while no worker ran
is made up for, once, when a worker starts.

An interval counts from the moment when any worker sent the last run: so runs are one period and a
few milliseconds apart, even if the period is a few seconds.

A worker that is killed between sending and committing leaves the task due: it is sent twice.
"""

import time
from datetime import UTC, datetime

from celery.beat import ScheduleEntry, Scheduler
from celery.utils.log import get_logger
from celery.utils.time import maybe_make_aware
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Manager, QuerySet
from django.utils.timezone import is_naive, make_aware, make_naive

from paas.celery.models import PeriodicTask

# Seconds until a task is tried again that could not be sent, as PostgreSQL or Redis was unavailable.
RETRY_SECONDS = 10

logger = get_logger(__name__)


class OnceScheduler(Scheduler):
    """``beat_scheduler`` in ``paas/celery/config.py``."""

    retry_at: float | None = None

    def setup_schedule(self):
        super().setup_schedule()
        if self.app.conf.result_backend:
            # celery.backend_cleanup deletes old results; super() drops it, as it is not in beat_schedule.
            self.install_default_entries(self.schedule)
        self.load_last_runs()

    def load_last_runs(self) -> None:
        """Take over when each task ran last, on any worker; without a database, try again later."""
        try:
            for entry in self.schedule.values():
                load_row(entry, PeriodicTask.objects)
        except DatabaseError as error:
            logger.warning("The last runs of periodic tasks are unknown: %r", error)
            self.retry_at = time.monotonic() + RETRY_SECONDS
        else:
            self.populate_heap()
        finally:
            connection.close()

    def tick(self, *args, **kwargs):
        if self.retry_at and time.monotonic() >= self.retry_at:
            self.retry_at = None
            self.load_last_runs()
        seconds = super().tick(*args, **kwargs)
        return min(seconds, RETRY_SECONDS) if self.retry_at else seconds

    def apply_entry(self, entry: ScheduleEntry, producer=None):
        """Send the task, unless another worker has."""
        try:
            with transaction.atomic():
                row = load_row(entry, PeriodicTask.objects.select_for_update())
                is_due, _ = self.is_due(entry)
                if is_due:
                    self.apply_async(entry, producer=producer, advance=False)
                    entry.last_run_at = entry.default_now()
                    row.last_run_at = to_row(entry.last_run_at)
                    row.save()
            # Counted from an earlier moment than the row's, the next run would come when the row is
            # not due yet, and be put off for a period.
            self.schedule[entry.name].last_run_at = entry.last_run_at
            self.populate_heap()
        except Exception:
            logger.exception("Periodic task %s was not sent; trying again", entry.name)
            self.retry_at = time.monotonic() + RETRY_SECONDS
        finally:
            connection.close()


def load_row(entry: ScheduleEntry, rows: Manager | QuerySet) -> PeriodicTask:
    """Return the entry's row, and take over its last run."""
    defaults = {"last_run_at": to_row(entry.last_run_at)}
    row, _ = rows.get_or_create(name=entry.name, defaults=defaults)
    last, now = row.last_run_at, entry.default_now()
    last = make_aware(last) if is_naive(last) else last
    # In the zone of the schedule's "now", in which a relative schedule counts days.
    zone = now.tzinfo or UTC
    entry.last_run_at = last.astimezone(zone).replace(tzinfo=now.tzinfo)
    return row


def to_row(moment: datetime) -> datetime:
    """The moment as the column takes it: naive without USE_TZ."""
    moment = maybe_make_aware(moment)  # Celery's naive ones are UTC
    return moment if settings.USE_TZ else make_naive(moment)
