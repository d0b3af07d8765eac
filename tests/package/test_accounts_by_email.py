"""Accounts without user names, by two settings of allauth."""

import re

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import get_user
from django.urls import reverse

from example.models import User

ADDRESS, PASSWORD = "grace@example.com", "a long enough passphrase"


@pytest.fixture(autouse=True)
def by_email(settings):
    settings.ACCOUNT_LOGIN_METHODS = {"email"}
    settings.ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]


@pytest.fixture
def sign_up(client, db):
    def send(email: str = ADDRESS, password: str = PASSWORD):
        client.logout()
        data = {"email": email, "password1": password, "password2": password}
        return client.post(reverse("account_signup"), data)

    return send


@pytest.fixture
def log_in(client, db):
    """Log in; returns the status of the response."""

    def send(email: str = ADDRESS, password: str = PASSWORD) -> int:
        client.logout()
        data = {"login": email, "password": password}
        return client.post(reverse("account_login"), data).status_code

    return send


def test_the_forms_ask_for_an_address_and_not_for_a_user_name(client, db):
    page = client.get(reverse("account_login")).text
    assert "Email address" in page
    assert "User name" not in page
    assert 'type="email"' in page
    assert "sername" not in client.get(reverse("account_signup")).text


def test_signing_up_and_logging_in(client, sign_up, log_in):
    assert sign_up().status_code == 302
    user = User.objects.get()
    assert get_user(client) == user
    assert (user.email, user.username) == (ADDRESS, "grace")
    assert log_in("Grace@Example.com") == 302
    assert get_user(client) == user
    assert log_in(password="wrong") == 200


def test_addresses_with_the_same_first_part_or_a_reserved_one_get_accounts(sign_up):
    addresses = ["grace@example.com", "grace@example.org", "admin@example.com", "+@example.com"]
    for address in addresses:
        assert sign_up(address).status_code == 302
    assert list(User.objects.order_by("pk").values_list("email", flat=True)) == addresses
    assert not User.objects.filter(username="admin").exists()


def test_five_wrong_passwords_lock_the_account_out(sign_up, log_in):
    sign_up()
    assert [log_in(password="wrong") for _ in range(5)] == [200] * 4 + [429]
    assert log_in() == 429
    assert AccessAttempt.objects.get().username == "grace"


def test_a_new_address_is_the_one_to_log_in_by(client, sign_up, log_in, mailoutbox):
    sign_up()
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    form = {"email": "hopper@example.com", "action_add": ""}
    client.post(reverse("account_email"), form)
    [mail] = [mail for mail in mailoutbox if mail.to == ["hopper@example.com"]]
    [link] = re.findall(r"http://testserver(\S+)", mail.body)
    client.post(link)
    assert log_in("hopper@example.com") == 302
    assert log_in() == 200


def test_staff_invite_by_the_admin_and_enter_it(admin_client, client, log_in, mailoutbox):
    form = {"username": "grace", "email": ADDRESS, "usable_password": "false"}
    admin_client.post(reverse("admin:example_user_add"), form)
    assert "You log in by this email address." in mailoutbox[0].body
    user = User.objects.get(email=ADDRESS)
    user.is_staff = True
    user.set_password(PASSWORD)
    user.save()
    assert log_in() == 302
    assert client.get(reverse("admin:index")).status_code == 200


def test_an_address_is_taken_once_where_none_is_confirmed(sign_up, log_in):
    sign_up()
    assert "A user is already registered with this email address." in sign_up().text
    assert User.objects.count() == 1


def test_no_response_reveals_an_account_where_email_addresses_are_confirmed(
    sign_up, settings, mailoutbox
):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    free, taken = sign_up(), sign_up()
    assert (free.status_code, free.url) == (taken.status_code, taken.url)
