"""The welcome mail's tasks, run in the calling process: no worker and no Redis are needed."""

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed
from celery import current_app as app
from celery.app.amqp import AMQP
from django.urls import reverse
from django.utils import timezone

from users.models import User
from welcome.models import Welcome
from welcome.tasks import pending_recipients, send_missed, send_welcome

PASSWORD = "a long enough passphrase"


@pytest.fixture
def sign_up(client, db, django_capture_on_commit_callbacks):
    """Sign up as ada with that email address; returns the response."""

    def submit(email: str = "ada@example.com"):
        passwords = {"password1": PASSWORD, "password2": PASSWORD}
        with django_capture_on_commit_callbacks(execute=True):
            return client.post(
                reverse("account_signup"), {"username": "ada", "email": email} | passwords
            )

    return submit


def joined(**ago: float) -> User:
    """A user who signed up that long ago and got no mail."""
    name = f"user{User.objects.count()}"
    when = timezone.now() - timedelta(**ago)
    return User.objects.create_user(name, f"{name}@example.com", date_joined=when)


def confirmation_link(mail) -> str:
    [path] = re.findall(r"/accounts/confirm-email/\S+", mail.body)
    return path


def test_signing_up_sends_a_welcome_mail(sign_up, mailoutbox, settings):
    settings.SITE_NAME = "O'Brien & Sons"
    sign_up()
    # The other asks to confirm the address.
    [mail] = [mail for mail in mailoutbox if "confirm" not in mail.body]
    assert mail.to == ["ada@example.com"]
    assert mail.subject == "Welcome to O'Brien & Sons"
    assert mail.body.startswith("Hello,\n\nyour account at O'Brien & Sons is ready.")
    assert Welcome.objects.exclude(sent_at=None).get().user.username == "ada"


def test_an_address_to_confirm_gets_the_mail_once_it_is_confirmed(
    sign_up, client, settings, mailoutbox, django_capture_on_commit_callbacks
):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    sign_up()
    [mail] = mailoutbox
    with django_capture_on_commit_callbacks(execute=True):
        client.post(confirmation_link(mail))
    [_, welcome] = mailoutbox
    assert welcome.subject.startswith("Welcome")


@pytest.mark.parametrize("last_login", [None, timezone.now()])
def test_a_later_address_of_an_account_gets_no_mail(
    user, last_login, mailoutbox, django_capture_on_commit_callbacks
):
    user.last_login = last_login
    address = EmailAddress.objects.create(user=user, email=user.email, verified=True)
    with django_capture_on_commit_callbacks(execute=True):
        email_confirmed.send(EmailAddress, request=None, email_address=address)
    assert len(mailoutbox) == (0 if last_login else 1)


def test_an_address_that_is_not_the_confirmed_one_gets_no_mail(user, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    address = EmailAddress.objects.create(user=user, email="old@example.com", verified=True)
    assert not pending_recipients().exists()
    EmailAddress.objects.filter(pk=address.pk).update(email="ADA@example.com")
    assert pending_recipients().exists()


def test_a_user_without_an_e_mail_address_gets_no_mail(
    db, mailoutbox, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        User.objects.create_user("ada")
    assert mailoutbox == []


def test_a_task_that_is_delivered_twice_sends_one_mail(user, mailoutbox):
    send_welcome.delay(user.pk)
    send_welcome.delay(user.pk)
    assert len(mailoutbox) == 1


def test_an_e_mail_address_of_several_users_gets_one_mail_a_day(user, mailoutbox):
    for number, address in enumerate(["Ada@example.com", user.email]):
        User.objects.create_user(f"other{number}", address)
    for one in User.objects.all():
        send_welcome.delay(one.pk)
    assert len(mailoutbox) == 1
    Welcome.objects.update(sent_at=timezone.now() - timedelta(days=2))
    send_welcome.delay(User.objects.create_user("late", user.email).pk)
    assert len(mailoutbox) == 2


def test_a_task_for_a_deleted_user_does_nothing(user, mailoutbox):
    user_id = user.pk
    user.delete()
    assert send_welcome.delay(user_id).successful()
    assert mailoutbox == []


def test_a_mail_that_fails_is_retried(user, mailoutbox, mail_failures):
    mail_failures += [ConnectionRefusedError(), TimeoutError()]
    assert send_welcome.delay(user.pk).successful()
    assert len(mailoutbox) == 1


def test_signing_up_works_while_no_mail_can_be_sent(sign_up, mailoutbox, mail_failures):
    mail_failures += [ConnectionRefusedError()] * 9
    assert sign_up().status_code == 302
    assert mailoutbox == []
    assert pending_recipients().get().username == "ada"


@pytest.fixture
def redis_is_unavailable(monkeypatch):
    monkeypatch.setitem(app.conf, "task_always_eager", False)
    monkeypatch.setitem(app.conf, "broker_url", "redis://127.0.0.1:1")
    # Otherwise Celery would use the connections to the previous broker.
    monkeypatch.setattr(app, "amqp", AMQP(app))


def test_signing_up_works_while_redis_is_unavailable(sign_up, redis_is_unavailable, caplog):
    assert sign_up().status_code == 302
    assert "Connection refused" in caplog.text
    assert pending_recipients().get().username == "ada"


def test_missed_mails_are_sent_to_users_of_the_last_day(db, mailoutbox):
    missed = joined(hours=2)
    joined(days=2)
    joined(minutes=1)
    send_missed.delay()
    send_missed.delay()
    assert [mail.to for mail in mailoutbox] == [[missed.email]]


def test_without_a_mail_server_nothing_is_sent(sign_up, mailoutbox, settings):
    settings.MAILERS = {}
    sign_up()
    joined(hours=2)
    send_missed.delay()
    assert mailoutbox == []
