"""The tasks of all apps, and the schedules of periodic ones."""

from copy import copy
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from celery import current_app as app
from celery.schedules import BaseSchedule, maybe_schedule

from paas.celery import MAX_RETRY_SECONDS, VISIBILITY_TIMEOUT


@pytest.fixture
def all_tasks(db):
    # ``db``: importing tasks runs Django's checks, which query SQLite for its JSON support.
    app.loader.import_default_modules()
    return [task for name, task in app.tasks.items() if not name.startswith("celery.")]


def test_no_task_is_given_to_a_second_worker_while_it_may_still_run(all_tasks):
    assert app.conf.task_time_limit + MAX_RETRY_SECONDS < VISIBILITY_TIMEOUT
    assert all(getattr(task, "retry_backoff_max", 0) <= MAX_RETRY_SECONDS for task in all_tasks)


def runs_in_a_month(schedule: BaseSchedule) -> int:
    """How often a task runs if deployments restart Celery beat every 25 minutes."""
    runs = 0
    for minute in range(0, 32 * 24 * 60, 25):
        restart = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
        before_next = restart + timedelta(minutes=24)
        schedule.nowfun = partial(datetime.fromtimestamp, before_next.timestamp(), tz=UTC)
        runs += schedule.is_due(restart).is_due
    return runs


def test_periodic_tasks_run_even_if_beat_often_restarts():
    for name, entry in app.conf.beat_schedule.items():
        assert runs_in_a_month(copy(maybe_schedule(entry["schedule"]))), f"{name}: use crontab"


def test_every_periodic_task_exists(all_tasks):
    names = {task.name for task in all_tasks}
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= names
