"""Tasks that end their worker process. The tests run them as a worker process does."""

from datetime import timedelta
from uuid import uuid4

import pytest
from celery import current_app as app
from celery import shared_task, signals
from celery.app.trace import build_tracer
from celery.contrib.django.task import DjangoTask
from celery.exceptions import Retry
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from paas.celery import lost_tasks
from paas.celery.models import UnfinishedTask

pytestmark = pytest.mark.django_db

runs: list[str] = []
endings: list[BaseException] = []


@shared_task
def deliver(parcel: str, urgent: bool):
    """A task whose runs end with ``endings``, the last one first."""
    runs.append(parcel)
    if endings:
        raise endings.pop()


@shared_task(base=DjangoTask)
def announce(parcel: str, urgent: bool):
    assert not UnfinishedTask.objects.exists()


@pytest.fixture
def run():
    """A function that runs the task as a worker does for a message."""
    runs.clear()
    endings.clear()
    request = {"id": "id-1", "is_eager": False, "delivery_info": {}}

    def run_task(task=deliver, parcel="a book"):
        arguments = [parcel], {"urgent": True}
        return build_tracer(task.name, task, app=app)("id-1", *arguments, request)

    return run_task


@pytest.fixture
def lose(run):
    """A function that runs the task in a worker process that ends before the task does."""

    def lose_worker(**options):
        endings.append(SystemExit())
        with pytest.raises(SystemExit):
            run(**options)

    return lose_worker


@pytest.mark.parametrize("ending", [None, ValueError("no such parcel"), Retry()])
def test_a_task_that_has_ended_leaves_no_row(run, ending):
    if ending:
        endings.append(ending)
    run()
    assert runs == ["a book"]
    assert not UnfinishedTask.objects.exists()


def test_a_task_with_celery_s_own_base_class_has_no_row(run, django_assert_num_queries):
    with django_assert_num_queries(1):  # its own
        assert run(announce).info is None


def test_a_task_that_a_shutdown_interrupts_does_not_count_as_lost(lose, monkeypatch):
    monkeypatch.setattr(lost_tasks, "terminate_handler_fired", lambda: True)
    lose()
    assert not UnfinishedTask.objects.exists()


def test_a_task_that_lost_two_workers_is_set_aside_until_it_is_run_again(run, lose, caplog, capsys):
    lose()
    lose()
    run()
    assert run().info.retval.requeue is False
    assert len(runs) == 2
    assert "deliver[id-1] is set aside: its worker was lost 2 times." in caplog.text
    assert "To run it again: python manage.py run_task_again id-1" in caplog.text
    call_command("run_task_again")
    listed = "id-1 test_lost_tasks.deliver, args ['a book'], kwargs {'urgent': True}\n"
    assert capsys.readouterr().out == listed
    call_command("run_task_again", "id-1")
    assert len(runs) == 3
    with pytest.raises(CommandError, match="No task id-1 is set aside"):
        call_command("run_task_again", "id-1")


def test_a_task_is_run_again_with_arguments_of_the_same_types(run, lose):
    parcel = uuid4()
    lose(parcel=parcel)
    lose(parcel=parcel)
    run(parcel=parcel)
    call_command("run_task_again", "id-1")
    assert runs == [parcel] * 3


def test_a_task_of_a_module_that_nothing_imports_is_run_again(tmp_path, monkeypatch):
    (tmp_path / "late.py").write_text("import celery\n\n@celery.shared_task\ndef work(): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(app.loader, "default_modules", ["late"])
    UnfinishedTask.objects.create(task_id="id-1", name="late.work", set_aside_at=timezone.now())
    call_command("run_task_again", "id-1")
    assert not UnfinishedTask.objects.exists()


def test_a_task_that_raises_memory_error_counts_as_lost(run):
    """After MemoryError, Celery ends the whole worker, and the message returns to the queue."""
    endings.extend([MemoryError(), MemoryError()])
    for _ in range(4):
        run()
    assert len(runs) == 2


def test_only_losses_in_a_row_count(run, lose):
    for _ in range(3):
        lose()
        run()
    assert len(runs) == 6


def test_a_task_runs_while_the_database_is_unavailable(run, monkeypatch, caplog):
    def fail(**kwargs):
        raise OperationalError("the database is unavailable")

    monkeypatch.setattr(UnfinishedTask.objects, "create", fail)
    run()
    assert runs == ["a book"]
    assert "deliver[id-1] is not recorded: OperationalError" in caplog.text


@pytest.mark.django_db(transaction=True)  # as it closes the connection
def test_a_worker_that_starts_deletes_old_rows_and_keeps_no_connection(lose, monkeypatch):
    closed: list[bool] = []
    monkeypatch.setattr(connection, "close", lambda: closed.append(True))
    lose()
    now = timezone.now()
    UnfinishedTask.objects.create(task_id="set-aside", set_aside_at=now)
    UnfinishedTask.objects.update(started_at=now - timedelta(hours=23))
    lost_tasks.delete_old()
    assert closed
    assert lost_tasks.delete_old in [reference() for _, reference in signals.worker_init.receivers]
    assert UnfinishedTask.objects.count() == 2
    UnfinishedTask.objects.update(started_at=now - timedelta(days=1))
    lost_tasks.delete_old()
    assert UnfinishedTask.objects.get().task_id == "set-aside"
