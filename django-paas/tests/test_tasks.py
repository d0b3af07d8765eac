"""The mail of pages, sent by a task that runs in the calling process."""

from celery import current_app as app
from django.core.mail import EmailMessage

from paas.tasks import queue_mail

MESSAGE = EmailMessage("Subject", "Body", "site@example.com", ["ada@example.com"])


def test_a_mail_is_sent_by_a_task_which_is_retried(db, mailoutbox, mail_failures):
    mail_failures += [ConnectionRefusedError(), TimeoutError()]
    queue_mail(MESSAGE)
    assert [mail.subject for mail in mailoutbox] == ["Subject"]


def test_a_mail_is_sent_by_the_request_while_redis_is_unavailable(db, mailoutbox, monkeypatch):
    monkeypatch.setitem(app.conf, "task_always_eager", False)
    monkeypatch.setitem(app.conf, "broker_url", "redis://127.0.0.1:1")
    # Otherwise Celery would use the connections to the previous broker.
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    queue_mail(MESSAGE)
    assert [mail.subject for mail in mailoutbox] == ["Subject"]
