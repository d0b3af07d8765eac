"""The settings of Celery, the tasks of all apps, the schedule, and what a worker does at its start."""

import runpy

import pytest
from celery import current_app as app
from celery import shared_task, signals
from celery.app.trace import build_tracer
from structlog.contextvars import bound_contextvars, get_contextvars

from paas.celery import config
from paas.celery.config import MAX_RETRY_SECONDS, VISIBILITY_TIMEOUT
from paas.db import budget


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


def test_a_worker_logs_the_connections_of_its_tasks_and_its_clock(monkeypatch, settings):
    settings.DEBUG = True
    logged: list[int] = []
    monkeypatch.setattr(budget, "log_at_start", logged.append)
    config.check()
    assert logged == [app.conf.worker_concurrency + 1]


contexts: list[dict] = []


@shared_task
def note_context():
    contexts.append(get_contextvars())


@pytest.mark.parametrize("request_id", [{}, {"request_id": "id of the request"}])
def test_log_lines_of_a_task_have_the_id_of_the_request_that_queued_it(
    monkeypatch, request_id, events, db
):
    contexts.clear()
    monkeypatch.setitem(app.conf, "task_always_eager", False)
    with bound_contextvars(**request_id):
        note_context.delay()
    assert events() == []
    with app.connection() as broker:
        message = broker.SimpleQueue("celery").get(timeout=1)
        message.ack()
    task_id = message.headers["id"]
    run = build_tracer(note_context.name, note_context, app=app)
    run(task_id, [], {}, message.headers | {"is_eager": False, "delivery_info": {}})
    assert contexts == [{"task": note_context.name, "task_id": task_id} | request_id]
    assert get_contextvars() == {}
