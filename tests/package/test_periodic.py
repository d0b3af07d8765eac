"""Periodic tasks run once per period, with several workers, restarts and failures."""

from datetime import timedelta
from itertools import pairwise

import pytest
from celery import current_app
from django.db import DatabaseError
from django.utils import timezone

from paas.celery.models import PeriodicTask
from paas.celery.periodic import OnceScheduler

# The scheduler closes its connection, which a test's transaction would not survive.
pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


@pytest.fixture
def sent(monkeypatch):
    """Names of the tasks that were sent; the only entry of the schedule is hourly."""
    names: list[str] = []
    monkeypatch.setattr(
        OnceScheduler, "apply_async", lambda self, entry, **options: names.append(entry.name)
    )
    schedule = current_app.conf.beat_schedule
    # Not by monkeypatch, which deletes the attribute at the end.
    current_app.conf.beat_schedule = {"tidy": {"task": "shop.tasks.tidy", "schedule": HOUR}}
    yield names
    current_app.conf.beat_schedule = schedule


@pytest.fixture
def start_worker(sent):
    """A function that returns the clock of a new worker."""
    return lambda: OnceScheduler(current_app)


def set_last_run(ago: timedelta) -> None:
    """When any worker sent the task last."""
    PeriodicTask.objects.filter(name="tidy").update(last_run_at=timezone.now() - ago)


def tick(*workers: OnceScheduler) -> None:
    for worker in workers:
        for _ in range(3):
            worker.tick()


def test_of_several_workers_one_sends_a_task(start_worker, sent):
    start_worker()
    set_last_run(2 * HOUR)
    workers = [start_worker() for _ in range(3)]
    tick(*workers)
    assert sent == ["tidy"]


def test_restarts_do_not_put_a_task_off(start_worker, sent):
    start_worker()
    set_last_run(HOUR * 0.99)
    tick(start_worker())
    assert sent == []
    set_last_run(HOUR * 1.01)
    tick(start_worker())
    assert sent == ["tidy"]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interval_in_seconds_has_no_gap_of_two_periods(start_worker, monkeypatch, workers):
    """Sending takes a while, and the time of each run is stored after it."""
    period, now, moments = timedelta(seconds=2), timezone.now(), []

    def send(self, entry, **options):
        nonlocal now
        moments.append(now)
        now += period / 100

    monkeypatch.setattr(OnceScheduler, "apply_async", send)
    monkeypatch.setattr(current_app, "now", lambda: now)
    current_app.conf.beat_schedule["tidy"]["schedule"] = period
    clocks = [start_worker() for _ in range(workers)]
    while len(moments) < 6:
        now += timedelta(seconds=max(min(clock.tick() for clock in clocks), 0.001))
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert min(gaps) >= period
    assert max(gaps) < 1.5 * period


def test_a_task_that_cannot_be_sent_is_tried_again(start_worker, sent, monkeypatch):
    start_worker()
    set_last_run(2 * HOUR)
    worker = start_worker()

    def fail(self, entry, **options):
        raise ConnectionError("Redis is unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(OnceScheduler, "apply_async", fail)
        tick(worker)
    assert worker.tick() <= 10  # seconds
    assert sent == []
    worker.retry_at = 1.0
    tick(worker)
    assert sent == ["tidy"]
    assert worker.retry_at is None


def test_a_worker_starts_without_a_database_and_tries_again(start_worker, sent, monkeypatch):
    start_worker()
    set_last_run(2 * HOUR)

    def fail(**options):
        raise DatabaseError("PostgreSQL is unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(PeriodicTask.objects, "get_or_create", fail)
        worker = start_worker()
        assert worker.tick() <= 10
    assert sent == []
    worker.retry_at = 1.0
    tick(worker)
    assert sent == ["tidy"]
