"""Mail, expired sessions and Django's tasks, by tasks that run in the calling process."""

import pytest
from celery import current_app as app
from celery.app.amqp import AMQP
from django.contrib.sessions.models import Session
from django.core.mail import EmailMessage
from django.tasks import TaskResultStatus, task
from django.tasks.signals import task_enqueued, task_finished, task_started
from django.utils import timezone

from paas.celery.backend import run
from paas.celery.tasks import clear_sessions, queue_mail, send_mail

MESSAGE = EmailMessage("Subject", "Body", "site@example.com", ["ada@example.com"])


def test_a_mail_is_tried_five_times_in_about_four_minutes(db, mail_failures):
    mail_failures += [ConnectionRefusedError(), Exception("of a mail service's API")] * 5
    queue_mail(MESSAGE)
    assert len(mail_failures) == 10 - 5
    assert sum(send_mail.retry_backoff * 2**number for number in range(4)) == 225
    # Nobody waits for an older one, of which a link may have expired.
    assert send_mail.expires == 3600


greeted: list[tuple] = []


@task(takes_context=True)
async def greet(context, name, *, loudly):
    greeted.append((context.task_result.id, context.attempt, name, loudly))
    if not name:
        raise ValueError("no name")


@pytest.mark.parametrize("name", ["Ada", ""])
async def test_a_task_of_django_runs_and_tells_its_receivers(db, name):
    told = []

    def note(task_result, **kwargs):
        told.append((task_result.status, [error.exception_class for error in task_result.errors]))

    signals = (task_enqueued, task_started, task_finished)
    for signal in signals:
        signal.connect(note)
    result = await greet.aenqueue(name, loudly=True)
    for signal in signals:
        signal.disconnect(note)
    assert greeted.pop() == (result.id, 1, name, True)
    running, ended, enqueued = told  # a task that runs in the calling process ends first
    assert (running, enqueued) == ((TaskResultStatus.RUNNING, []), (TaskResultStatus.READY, []))
    failed, successful = TaskResultStatus.FAILED, TaskResultStatus.SUCCESSFUL
    assert ended == ((successful, []) if name else (failed, [ValueError]))


def test_what_is_no_task_of_django_is_not_called():
    with pytest.raises(TypeError, match="os.getcwd is not a Django task"):
        run("os.getcwd", [], {})


def test_expired_sessions_are_deleted(client, user):
    client.force_login(user)
    clear_sessions.delay()
    assert Session.objects.update(expire_date=timezone.now()) == 1
    clear_sessions.delay()
    assert not Session.objects.exists()


def test_a_mail_is_sent_by_the_request_while_redis_is_unavailable(
    db, mailoutbox, monkeypatch, events
):
    monkeypatch.setitem(app.conf, "task_always_eager", False)
    monkeypatch.setitem(app.conf, "broker_url", "redis://127.0.0.1:1")
    # Otherwise Celery would use the connections to the previous broker.
    monkeypatch.setattr(app, "amqp", AMQP(app))
    queue_mail(MESSAGE)
    assert "mail not queued" in [event["event"] for event in events()]
    assert [mail.subject for mail in mailoutbox] == ["Subject"]
