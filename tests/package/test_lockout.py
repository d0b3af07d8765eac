"""Lockout after failed logins."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.contrib.auth import aauthenticate, get_user
from django.core.checks import run_checks
from django.db.models import F
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from example.models import User
from paas.accounts import lockout
from paas.conf import DEFAULTS

# IP addresses, and passwords.
HOME, OTHER = "192.0.2.1", "198.51.100.1"
RIGHT, WRONG = "correct horse", "wrong"
LOCKED_OUT = 429


@pytest.fixture
def log_in(client, user):
    """Submit a login form from an IP address; returns the status of the response."""

    def send(password=WRONG, username="ada", ip=HOME, **headers) -> int:
        client.logout()  # a visitor who is logged in gets no form
        data = {"login": username, "password": password}
        url = reverse("account_login")
        return client.post(url, data, REMOTE_ADDR=ip, headers=headers).status_code

    return send


def failures(count: int, **attributes) -> None:
    AccessAttempt.objects.create(failures_since_start=count, **attributes)


def test_after_five_wrong_passwords_the_right_one_is_refused_too(log_in, client):
    assert [log_in() for _ in range(5)] == [200, 200, 200, 200, LOCKED_OUT]
    assert log_in(RIGHT) == LOCKED_OUT
    assert get_user(client).is_anonymous


def test_failures_count_for_the_account_whichever_of_its_names_is_typed(log_in):
    names = ["ada", "ADA", "ada@example.com", "Ada@Example.com", "Ada"]
    assert [log_in(username=name) for name in names][-1] == LOCKED_OUT
    assert AccessAttempt.objects.get().username == "ada"
    assert "ada" not in AccessAttempt.objects.get().post_data.lower()


def test_failures_of_a_name_that_grows_in_lowercase_count_too(log_in):
    assert log_in(username=254 * "İ") == 200
    # As much as PostgreSQL's column has room for; lower() makes two characters of each.
    assert len(AccessAttempt.objects.get().username) == 255


def test_the_lockout_page_says_how_long_to_wait(client, user):
    failures(5, username="ada", ip_address=HOME)
    data = {"login": "ada", "password": WRONG}
    response = client.post(reverse("account_login"), data, REMOTE_ADDR=HOME)
    assert response.headers["Retry-After"] == "900"
    assert "Try again in 15 minutes" in response.text


def test_no_password_is_hashed_during_a_lockout(log_in, monkeypatch):
    failures(5, username="ada", ip_address=HOME)
    monkeypatch.setattr(User, "check_password", None)
    assert log_in(RIGHT) == LOCKED_OUT
    with pytest.raises(TypeError):
        log_in(RIGHT, ip=OTHER)


def age_failures(minutes: int) -> None:
    earlier = F("attempt_time") - timedelta(minutes=minutes)
    AccessAttempt.objects.update(attempt_time=earlier)


def test_attempts_during_a_lockout_do_not_extend_it(log_in):
    assert [log_in() for _ in range(5)][-1] == LOCKED_OUT
    age_failures(14)
    assert log_in() == LOCKED_OUT
    age_failures(2)
    assert log_in(RIGHT) == 302


def test_a_lockout_is_for_one_user_at_one_ip(log_in):
    User.objects.create_user("bob", password=RIGHT)
    failures(5, username="ada", ip_address=HOME)
    assert log_in(RIGHT, username="bob") == 302
    assert log_in(RIGHT, ip=OTHER) == 302


def test_an_ip_that_tries_many_users_is_locked_out(log_in):
    for number in range(DEFAULTS["LOCKOUT_IP_LIMIT"] - 1):
        failures(1, username=f"user{number}", ip_address=OTHER)
    assert log_in(username="one more", ip=OTHER) == LOCKED_OUT
    assert log_in(RIGHT, ip=OTHER) == LOCKED_OUT
    assert log_in(RIGHT, ip=HOME) == 302


def test_many_ips_cannot_lock_a_user_out_at_a_known_ip(log_in):
    assert log_in(RIGHT, ip=HOME) == 302
    for number in range(DEFAULTS["LOCKOUT_USER_LIMIT"]):
        failures(1, username="ada", ip_address=f"203.0.113.{number}")
    AccessLog.objects.create(username="bob", ip_address=OTHER)
    assert log_in(RIGHT, ip=OTHER) == LOCKED_OUT
    assert log_in(RIGHT, ip=HOME) == 302


def test_a_login_resets_that_user_s_failures_only(log_in):
    failures(4, username="ada", ip_address=HOME)
    failures(4, username="bob", ip_address=HOME)
    assert log_in(RIGHT) == 302
    assert [attempt.username for attempt in AccessAttempt.objects.all()] == ["bob"]


@pytest.mark.parametrize(
    "change",
    [
        {"user_agent": "browser {}"},
        {"x_real_ip": "192.0.2.{}", "forwarded": "for=192.0.2.{}"},
        {"ip": "2001:db8::{}"},
    ],
)
def test_nothing_that_a_client_sends_avoids_the_lockout(log_in, change):
    for number in range(5):
        status = log_in(**{name: value.format(number) for name, value in change.items()})
    assert status == LOCKED_OUT


@pytest.mark.parametrize(
    ("ip", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", None),
    ],
)
def test_an_ipv6_network_counts_as_one_ip(ip, counted):
    request = RequestFactory().get("/", REMOTE_ADDR=ip)
    assert lockout.counted_ip(request) == counted


def test_aauthenticate_has_the_lockout_too(user):
    request = RequestFactory().post("/", REMOTE_ADDR=HOME)
    log_in = async_to_sync(aauthenticate)
    assert log_in(request, username="ada", password=RIGHT) == user
    failures(5, username="ada", ip_address=HOME)
    assert log_in(request, username="ada", password=RIGHT) is None


def test_known_ips_are_deleted_after_30_days(log_in):
    log_in(RIGHT)
    AccessLog.objects.update(attempt_time=timezone.now() - timedelta(days=31))
    log_in(RIGHT, ip=OTHER)
    assert [log.ip_address for log in AccessLog.objects.all()] == [OTHER]


def test_a_limit_of_axes_that_has_no_effect_is_reported(log_in, settings):
    problem = "set LOCKOUT_USER_AND_IP_LIMIT"
    assert problem not in str(run_checks())
    settings.AXES_FAILURE_LIMIT = 10
    assert problem in str(run_checks())
    assert [log_in() for _ in range(5)][-1] == LOCKED_OUT


def test_templates_of_accounts_must_be_found_before_those_of_allauth(monkeypatch):
    problem = 'above "allauth"'
    assert problem not in str(run_checks())
    # Not by the fixture "settings", which would load the apps again.
    monkeypatch.setattr(settings, "INSTALLED_APPS", settings.INSTALLED_APPS[::-1])
    assert problem in str(run_checks())
