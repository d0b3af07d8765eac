"""Periodic tasks run once per period, with several workers, restarts and failures."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from celery import current_app
from celery.schedules import BaseSchedule, crontab, schedule
from django.db import DatabaseError
from django.utils import timezone

from paas.celery.models import PeriodicTask
from paas.celery.periodic import OnceScheduler

# The scheduler closes its connection, which a test's transaction would not survive.
pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
NOW = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)


class Hourly(BaseSchedule):
    """A schedule of an owner's; ``is_due()`` returns a tuple, as Celery documents it."""

    def is_due(self, last_run_at):
        rest = (last_run_at + HOUR - self.now()).total_seconds()
        return rest <= 0, max(rest, 0) or 3600


def now_in_tokyo() -> datetime:
    return NOW.astimezone(ZoneInfo("Asia/Tokyo"))


def naive_now() -> datetime:
    return NOW.replace(tzinfo=None)


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
    """A function that returns the beat of a new worker."""
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


# Entries of beat_schedule: https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html
DUE_AFTER_TWO_HOURS: dict[str, dict] = {
    "number": {"schedule": 3600},
    "fraction": {"schedule": 3600.5},
    "timedelta": {"schedule": HOUR},
    "relative": {"schedule": HOUR, "relative": True},
    "schedule": {"schedule": schedule(HOUR)},
    "schedule with a naive now": {"schedule": schedule(HOUR, nowfun=naive_now)},
    "crontab": {"schedule": crontab(minute=0)},
    "crontab with the now of a zone": {"schedule": crontab(0, 12, nowfun=now_in_tokyo)},
    "subclass": {"schedule": Hourly()},
    "subclass with a naive now": {"schedule": Hourly(nowfun=naive_now)},
    "options": {"schedule": HOUR, "args": (1,), "kwargs": {"a": 1}, "options": {"expires": 60}},
}


@pytest.mark.parametrize("use_tz", [True, False])
@pytest.mark.parametrize("kind", DUE_AFTER_TWO_HOURS)
def test_every_schedule_of_celery_is_taken(start_worker, sent, monkeypatch, settings, use_tz, kind):
    settings.USE_TZ, settings.TIME_ZONE = use_tz, "America/Chicago"
    now = NOW - 2 * HOUR
    monkeypatch.setattr(current_app, "now", lambda: now)
    entry = DUE_AFTER_TWO_HOURS[kind] | {"last_run_at": now}
    current_app.conf.beat_schedule["tidy"] |= entry
    start_worker()
    now = NOW
    tick(start_worker(), start_worker())
    assert sent == ["tidy"]


def test_days_of_a_relative_schedule_begin_in_its_own_zone(start_worker, sent):
    yesterday = NOW - 13 * HOUR  # in UTC, and today in Tokyo
    daily = schedule(timedelta(days=1), relative=True, nowfun=now_in_tokyo)
    current_app.conf.beat_schedule["tidy"] |= {"schedule": daily, "last_run_at": yesterday}
    tick(start_worker(), start_worker())
    assert sent == []


def test_a_task_that_is_added_later_is_sent(start_worker, sent):
    worker = start_worker()
    worker.add(name=7, task="late", schedule=HOUR, last_run_at=timezone.now() - 2 * HOUR)
    tick(worker)
    assert sent == [7]


def test_old_results_are_deleted_where_the_backend_keeps_them(start_worker, monkeypatch):
    assert set(start_worker().schedule) == {"tidy"}
    monkeypatch.setitem(current_app.conf, "result_backend", "disabled://")
    assert set(start_worker().schedule) == {"tidy", "celery.backend_cleanup"}


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
    beats = [start_worker() for _ in range(workers)]
    while len(moments) < 6:
        now += timedelta(seconds=max(min(beat.tick() for beat in beats), 0.001))
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
