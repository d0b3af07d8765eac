"""Lockout after failed logins."""

import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_used
from asgiref.sync import async_to_sync
from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.contrib.auth import aauthenticate, authenticate, get_user
from django.contrib.auth.views import LoginView
from django.core.checks import run_checks
from django.core.management import call_command
from django.db.models import F
from django.test import RequestFactory
from django.urls import path, reverse
from django.utils import timezone

from example import urls as example
from example.models import User
from paas.accounts import lockout
from paas.conf import DEFAULTS

# IP addresses, and passwords.
HOME, OTHER = "192.0.2.1", "198.51.100.1"
RIGHT, WRONG = "correct horse", "wrong"
LOCKED_OUT = 429
BACKEND = "paas.accounts.lockout.Backend"


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


def test_after_five_wrong_passwords_the_right_one_is_rejected_too(log_in, client):
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


@pytest.fixture
def factor(user):
    Authenticator.objects.create(user=user, type="totp", data={"secret": "JBSWY3DP"})


@pytest.fixture
def staff(user, settings):
    settings.STAFF_NEEDS_SECOND_FACTOR = True
    User.objects.filter(pk=user.pk).update(is_staff=True)


@pytest.fixture
def nothing():
    """No reason for a second factor."""


urlpatterns = [path("other/", LoginView.as_view(template_name="home.html")), *example.urlpatterns]


@pytest.mark.parametrize(
    ("needs", "opens"), [("nothing", True), ("factor", False), ("staff", False)]
)
def test_a_password_alone_opens_no_session_of_who_needs_a_second_factor(
    request, client, user, settings, log_in, needs, opens
):
    request.getfixturevalue(needs)
    settings.ROOT_URLCONF = __name__
    for name in ("ada", "ADA", "ada@example.com"):
        credentials = {"username": name, "password": RIGHT}
        client.post("/other/", credentials)
        assert get_user(client).is_authenticated == opens
        # As an API does it, with or without the request.
        for each in (RequestFactory().post("/"), None):
            assert (authenticate(each, **credentials) == user) == opens
        client.logout()
    assert log_in(RIGHT) == 302


def test_the_response_does_not_tell_whether_the_password_was_right(factor, log_in):
    request = RequestFactory().post("/", REMOTE_ADDR=HOME)
    for password in (RIGHT, WRONG):
        assert authenticate(request, username="ada", password=password) is None
    assert AccessAttempt.objects.get().failures_since_start == 2


def test_a_right_password_clears_the_failures_of_the_user_from_there(log_in, client):
    for ip in (HOME, OTHER):
        failures(4, username="ada", ip_address=ip)
    failures(4, username="bob", ip_address=HOME)
    authenticate(RequestFactory().post("/", REMOTE_ADDR=HOME), username="Ada", password=RIGHT)
    left = AccessAttempt.objects.values_list("username", "ip_address")
    assert {*left} == {("ada", OTHER), ("bob", HOME)}


def test_a_new_password_by_mail_ends_the_lockout_of_the_user_everywhere(log_in, client, mailoutbox):
    assert [log_in() for _ in range(5)][-1] == LOCKED_OUT
    failures(DEFAULTS["LOCKOUT_USER_LIMIT"], username="ada", ip_address=OTHER)
    client.post(reverse("account_reset_password"), {"email": "ada@example.com"})
    [link] = re.findall(r"http://testserver(\S+)", mailoutbox[0].body)
    password = "a long enough passphrase"
    client.post(client.get(link).url, {"password1": password, "password2": password})
    assert log_in(password) == 302
    assert log_in(password, ip=OTHER) == 302


def test_a_second_factor_ends_the_lockout_of_the_user_from_there(log_in, user):
    request = RequestFactory().post("/", REMOTE_ADDR=HOME)
    assert [log_in() for _ in range(5)][-1] == LOCKED_OUT
    authenticator_used.send(sender=Authenticator, request=request, user=user)
    assert log_in(RIGHT) == 302


@pytest.mark.parametrize(
    ("name", "typed"), [("Ada", "ada"), ("ada", "ADA"), ("ada", "ada@example.com"), ("ada", "ada")]
)
def test_an_administrator_unlocks_a_user_by_any_of_their_names(log_in, name, typed):
    User.objects.update(username=name)
    assert [log_in() for _ in range(5)][-1] == LOCKED_OUT
    failures(1, username="bob", ip_address=HOME)
    call_command("axes_reset_username", typed)
    assert AccessAttempt.objects.get().username == "bob"
    assert log_in(RIGHT) == 302


def test_an_administrator_unlocks_a_name_that_nobody_has(log_in):
    log_in(username="Ghost")
    call_command("axes_reset_username", "Ghost")
    assert not AccessAttempt.objects.exists()


@pytest.mark.parametrize(
    ("ip", "typed"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"),
        ("2001:db8:1:2:3:4:5:6", "2001:DB8:1:2::/64"),
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
    ],
)
def test_an_administrator_unlocks_the_ip_that_the_log_has(log_in, ip, typed):
    assert [log_in(ip=ip) for _ in range(5)][-1] == LOCKED_OUT
    failures(1, username="ada", ip_address=OTHER)
    call_command("axes_reset_ip", "no address")
    assert AccessAttempt.objects.count() == 2
    call_command("axes_reset_ip_username", typed, "ADA")
    assert AccessAttempt.objects.get().ip_address == OTHER
    assert log_in(RIGHT, ip=ip) == 302


@pytest.mark.parametrize(
    ("wait", "retry_after", "text"),
    [
        (None, None, "An administrator can unlock"),
        (timedelta(minutes=15), "900", "Try again in 15 minutes"),
        (2, "7200", "in 120 minutes"),
        (0.5, "1800", "in 30 minutes"),
        (lambda request: timedelta(minutes=5), "300", "in 5 minutes"),
    ],
)
def test_the_lockout_lasts_as_long_as_axes_is_told(client, user, settings, wait, retry_after, text):
    settings.AXES_COOLOFF_TIME = wait
    settings.AXES_HTTP_RESPONSE_CODE = 403
    data = {"login": "ada", "password": WRONG}
    responses = [client.post(reverse("account_login"), data) for _ in range(5)]
    assert [response.status_code for response in responses] == [200, 200, 200, 200, 403]
    assert responses[-1].headers.get("Retry-After") == retry_after
    assert text in responses[-1].text
    data["password"] = RIGHT
    assert client.post(reverse("account_login"), data).status_code == 403


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AXES_ENABLED", False),
        ("AXES_LOCK_OUT_AT_FAILURE", False),
        ("AXES_NEVER_LOCKOUT_WHITELIST", True),
        ("AXES_WHITELIST_CALLABLE", lambda request, credentials: True),
    ],
)
def test_axes_can_be_told_to_lock_nobody_out(log_in, client, user, settings, name, value):
    settings.AXES_IP_WHITELIST = [HOME]
    setattr(settings, name, value)
    assert [log_in() for _ in range(5)] == 5 * [200]
    assert log_in(RIGHT) == 302


@pytest.mark.parametrize("changes", [{}, {"AXES_USERNAME_FORM_FIELD": "login"}])
def test_failures_are_kept_after_a_login_if_axes_is_told_so(log_in, settings, changes):
    settings.AXES_RESET_ON_SUCCESS = False
    for name, value in changes.items():
        setattr(settings, name, value)
    log_in()
    assert log_in(RIGHT) == 302
    assert AccessAttempt.objects.get().username == "ada"


def test_known_ips_are_deleted_after_30_days(log_in):
    log_in(RIGHT)
    AccessLog.objects.update(attempt_time=timezone.now() - timedelta(days=31))
    log_in(RIGHT, ip=OTHER)
    assert [log.ip_address for log in AccessLog.objects.all()] == [OTHER]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"ACCOUNT_LOGIN_METHODS": {"phone"}}, "ACCOUNT_LOGIN_METHODS must be"),
        ({"ACCOUNT_USER_MODEL_USERNAME_FIELD": None}, "must be 'username'"),
        ({"AXES_FAILURE_LIMIT": 10}, "set LOCKOUT_USER_AND_IP_LIMIT"),
        ({"AXES_LOCKOUT_PARAMETERS": ["username"]}, "LOCKOUT_USER_LIMIT"),
        ({"AXES_IPWARE_PROXY_COUNT": 1}, "set TRUSTED_PROXIES"),
        ({"AXES_CLIENT_IP_CALLABLE": lambda request: None}, "TRUSTED_PROXIES has no effect"),
        ({"AXES_LOCKOUT_TEMPLATE": "locked.html"}, "unless AXES_LOCKOUT_CALLABLE = None"),
        ({"AXES_ONLY_ADMIN_SITE": True}, "AXES_ONLY_ADMIN_SITE ends all lockouts"),
        ({"AXES_DISABLE_ACCESS_LOG": True}, "LOCKOUT_KNOWN_IP_DAYS"),
        ({"AXES_IP_BLACKLIST": ["2001:db8::1"]}, "write '2001:db8::'"),
        (
            {"AXES_USE_ATTEMPT_EXPIRATION": True, "AXES_COOLOFF_TIME": None},
            "needs AXES_COOLOFF_TIME",
        ),
        ({"AXES_HANDLER": "axes.handlers.cache.AxesCacheHandler"}, "LOCKOUT_* has no effect"),
        ({"ACCOUNT_ADAPTER": "allauth.account.adapter.DefaultAccountAdapter"}, "SIGN_UP"),
        ({"ACCOUNT_FORMS": {}}, "the old password can be guessed"),
        ({"SESSION_ENGINE": "django.contrib.sessions.backends.db"}, "SESSION_ENGINE"),
        *(
            ({"AUTHENTICATION_BACKENDS": backends}, "AUTHENTICATION_BACKENDS must begin")
            for backends in (
                ["django.contrib.auth.backends.ModelBackend"],
                ["axes.backends.AxesStandaloneBackend", BACKEND],
                [BACKEND, "django.contrib.auth.backends.ModelBackend"],
                [BACKEND, "allauth.account.auth_backends.AuthenticationBackend"],
            )
        ),
    ],
)
def test_a_setting_that_turns_a_protection_off_is_an_error(db, settings, changes, problem):
    assert run_checks() == []
    for name, value in changes.items():
        setattr(settings, name, value)
    assert problem in str([error for error in run_checks() if "paas.E" in str(error.id)])


class OwnBackend(lockout.Backend):
    """A project's."""


def test_a_subclass_and_a_backend_of_permissions_are_no_error(db, settings):
    remote = "django.contrib.auth.backends.RemoteUserBackend"
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.OwnBackend", remote]
    assert run_checks() == []


def test_templates_of_accounts_must_be_found_before_those_of_allauth(db, monkeypatch):
    problem = 'above "allauth"'
    assert problem not in str(run_checks())
    # Not by the fixture "settings", which would load the apps again.
    monkeypatch.setattr(settings, "INSTALLED_APPS", settings.INSTALLED_APPS[::-1])
    assert problem in str(run_checks())
