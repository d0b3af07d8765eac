"""The settings of Celery, the tasks of all apps, the schedule, and what a worker does at its start."""

import runpy

import pytest
from celery import current_app as app
from celery import signals

from paas.celery import config
from paas.celery.config import MAX_RETRY_SECONDS, VISIBILITY_TIMEOUT


@pytest.fixture
def all_tasks(db):
    # ``db``: importing tasks runs Django's checks, which query SQLite for its JSON support.
    app.loader.import_default_modules()
    return [task for name, task in app.tasks.items() if not name.startswith("celery.")]


def test_no_task_is_given_to_a_second_worker_while_it_may_still_run(all_tasks):
    assert app.conf.task_time_limit + MAX_RETRY_SECONDS < VISIBILITY_TIMEOUT
    assert all(getattr(task, "retry_backoff_max", 0) <= MAX_RETRY_SECONDS for task in all_tasks)


def test_a_longer_time_limit_of_tasks_is_one_setting(settings):
    settings.TASK_TIME_LIMIT = 3600
    read = runpy.run_path(config.__file__)
    assert (read["task_soft_time_limit"], read["task_time_limit"]) == (2880, 3600)
    seconds = read["broker_transport_options"]["visibility_timeout"]
    assert seconds > read["task_time_limit"] + MAX_RETRY_SECONDS


def test_a_misconfigured_worker_does_not_start(configure, capsys):
    configure(SECRET_KEY="")
    with pytest.raises(SystemExit):
        signals.worker_init.send(None)
    assert "SECRET_KEY is not set." in capsys.readouterr().err
