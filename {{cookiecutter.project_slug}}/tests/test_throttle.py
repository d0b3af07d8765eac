"""Log-in is throttled by person and address, and no one is locked out for good."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from axes.models import AccessAttempt, AccessLog
from django.contrib.auth import aauthenticate, get_user
from django.db.models import F
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from users import throttle
from users.models import User

HOME, ELSEWHERE = "192.0.2.1", "198.51.100.1"
RIGHT, WRONG, NEW = "correct horse", "wrong", "a long enough passphrase"
REFUSED = 429


@pytest.fixture
def log_in(client, user):
    """Send the log-in form, or another, from an address; returns the status of the answer."""

    def send(password=WRONG, name="ada", address=HOME, form="login", **headers) -> int:
        answers = {"username": name, "password": password}
        return client.post(reverse(form), answers, REMOTE_ADDR=address, headers=headers).status_code

    return send


def failures(count: int, **attributes) -> None:
    AccessAttempt.objects.create(failures_since_start=count, **attributes)


@pytest.mark.parametrize("form", ["login", "admin:login"])
def test_after_five_wrong_passwords_even_the_right_one_must_wait(log_in, client, form):
    assert [log_in(form=form) for _ in range(5)] == [200, 200, 200, 200, REFUSED]
    assert log_in(RIGHT, form=form) == REFUSED
    assert get_user(client).is_anonymous


def test_a_refusal_is_a_page_that_says_how_long_to_wait(client, user):
    failures(5, username="ada", ip_address=HOME)
    answers = {"username": "ada", "password": WRONG}
    response = client.post(reverse("login"), answers, REMOTE_ADDR=HOME)
    assert response.headers["Retry-After"] == "900"
    assert "Try again in 15 minutes" in response.text


def test_what_is_refused_costs_no_hash(log_in, monkeypatch):
    failures(5, username="ada", ip_address=HOME)
    monkeypatch.setattr(User, "check_password", None)
    assert log_in(RIGHT) == REFUSED
    with pytest.raises(TypeError):
        log_in(RIGHT, address=ELSEWHERE)


def test_the_old_password_can_be_guessed_at_no_more_often(client, user):
    client.force_login(user, "users.throttle.Backend")
    guess = {"old_password": WRONG, "new_password1": NEW, "new_password2": NEW}
    statuses = [client.post(reverse("password_change"), guess).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 200, REFUSED]
    kept = AccessAttempt.objects.get().post_data
    assert WRONG not in kept
    assert NEW not in kept
    guess["old_password"] = RIGHT
    assert client.post(reverse("password_change"), guess).status_code == REFUSED
    assert client.get(reverse("admin:password_change")).url == reverse("password_change")


def test_the_right_old_password_forgives_the_wrong_ones(client, user):
    client.force_login(user, "users.throttle.Backend")
    failures(4, username="ada", ip_address="127.0.0.1")
    answers = {"old_password": RIGHT, "new_password1": NEW, "new_password2": NEW}
    assert client.post(reverse("password_change"), answers).status_code == 302
    assert not AccessAttempt.objects.exists()


def let_pass(minutes: int) -> None:
    earlier = F("attempt_time") - timedelta(minutes=minutes)
    AccessAttempt.objects.update(attempt_time=earlier)


def test_the_wait_is_not_lengthened_by_trying_and_ends(log_in):
    assert [log_in() for _ in range(5)][-1] == REFUSED
    let_pass(14)
    assert log_in() == REFUSED
    let_pass(2)
    assert log_in(RIGHT) == 302


def test_other_people_there_and_the_person_elsewhere_are_not_held_up(log_in):
    User.objects.create_user("bob", password=RIGHT)
    failures(5, username="ada", ip_address=HOME)
    assert log_in(RIGHT, name="bob") == 302
    assert log_in(RIGHT, address=ELSEWHERE) == 302


def test_an_address_that_tries_many_people_is_refused(log_in):
    for number in range(throttle.MOST_FOR_ADDRESS - 1):
        failures(1, username=f"person{number}", ip_address=ELSEWHERE)
    assert log_in(name="one more", address=ELSEWHERE) == REFUSED
    assert log_in(RIGHT, address=ELSEWHERE) == REFUSED
    assert log_in(RIGHT, address=HOME) == 302


def test_many_addresses_cannot_lock_a_person_out_where_they_have_logged_in_before(log_in):
    assert log_in(RIGHT, address=HOME) == 302
    for number in range(throttle.MOST_FOR_USER):
        failures(1, username="ada", ip_address=f"203.0.113.{number}")
    assert log_in(RIGHT, address=ELSEWHERE) == REFUSED
    assert log_in(RIGHT, address=HOME) == 302


def test_success_forgives_the_person_s_own_failures_only(log_in):
    failures(4, username="ada", ip_address=HOME)
    failures(4, username="bob", ip_address=HOME)
    assert log_in(RIGHT) == 302
    assert [attempt.username for attempt in AccessAttempt.objects.all()] == ["bob"]


def test_another_browser_is_no_way_round(log_in):
    assert [log_in(user_agent=f"browser {number}") for number in range(5)][-1] == REFUSED


def test_headers_of_the_client_are_no_way_round(log_in):
    statuses = [
        log_in(x_real_ip=f"192.0.2.{number}", forwarded=f"for=192.0.2.{number}")
        for number in range(5)
    ]
    assert statuses[-1] == REFUSED


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", None),
    ],
)
def test_an_ipv6_network_counts_as_one_address(address, counted):
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    assert throttle.client_address(request) == counted


def test_asynchronous_code_is_throttled_as_well(user):
    request = RequestFactory().post("/", REMOTE_ADDR=HOME)
    log_in = async_to_sync(aauthenticate)
    assert log_in(request, username="ada", password=RIGHT) == user
    failures(5, username="ada", ip_address=HOME)
    assert log_in(request, username="ada", password=RIGHT) is None


def test_who_logged_in_from_where_is_forgotten_after_a_month(log_in):
    log_in(RIGHT)
    AccessLog.objects.update(attempt_time=timezone.now() - timedelta(days=31))
    log_in(RIGHT, address=ELSEWHERE)
    assert [entry.ip_address for entry in AccessLog.objects.all()] == [ELSEWHERE]
