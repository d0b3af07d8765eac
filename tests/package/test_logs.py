"""The request log, rate limits of log lines, and secrets that must not be logged."""

import logging

import pytest
import sentry_sdk
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import OperationalError, ProgrammingError
from django.http import HttpResponse, HttpResponseServerError
from django.test import Client
from django.urls import include, path, reverse

from paas.accounts.sessions import SessionStore
from paas.logs import MAX_FRAMES, MAX_PATH_LENGTH, RATE_LIMITED_LOGGERS, format_exception
from paas.logs.sentry import init_sentry


def fail(request, token):
    password = "hush"  # noqa: F841 (a traceback could show it)
    raise RuntimeError("It does not work.")


async def ask_async(request):
    return HttpResponse((await request.auser()).get_username())


def ask_by_token(request):
    request.user = get_user_model()(pk=7)  # as Django REST framework does
    return HttpResponse()


urlpatterns = [
    path("fail/<token>/", fail),
    path("async/", ask_async),
    path("session/", lambda request: HttpResponse(request.session.get("theme", ""))),
    path("token/", ask_by_token),
    path("", include(settings.ROOT_URLCONF)),
]


def handler500(request):
    return HttpResponseServerError(request.request_id)


def test_a_request_logs_one_line_without_its_query_string(client, user, events):
    client.force_login(user)
    response = client.get(reverse("home"), {"token": "hush"})
    (event,) = events()
    assert event["request_id"] == response.headers["X-Request-ID"]
    assert (event["method"], event["path"], event["status"]) == ("GET", "/", 200)
    assert (event["user_id"], event["address"]) == (user.pk, "127.0.0.1")
    assert "hush" not in str(event)


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("name", ["async", "session"])
def test_a_view_that_reads_the_session_is_logged_with_its_user(client, user, events, name):
    client.force_login(user)
    response = client.get(f"/{name}/")
    (event,) = events()
    assert event["user_id"] == user.pk
    assert response.headers["Cache-Control"] == "no-store, private"


@pytest.mark.urls(__name__)
def test_a_user_that_an_api_has_set_is_logged(client, events, db):
    response = client.get("/token/")
    (event,) = events()
    assert event["user_id"] == 7
    assert response.headers["Cache-Control"] == "no-store, private"


@pytest.mark.parametrize("url", ["/session/", "/async/"])
@pytest.mark.parametrize(("error", "attempts"), [(OperationalError, 1), (ProgrammingError, 3)])
@pytest.mark.urls(__name__)
def test_a_request_whose_session_cannot_be_read_is_logged(
    client, user, events, monkeypatch, url, error, attempts
):
    client.force_login(user)
    client.raise_request_exception = False
    loads = 0

    def load(self):
        nonlocal loads
        loads += 1
        raise error

    monkeypatch.setattr(SessionStore, "load", load)
    monkeypatch.setattr(SessionStore, "aload", sync_to_async(load))
    assert client.get(url).status_code == 500
    *_, event = events()
    assert (event["event"], event["status"], event["user_id"]) == ("request", 500, None)
    assert loads == attempts


@pytest.mark.urls(__name__)
def test_an_error_is_logged_with_the_request_id_of_its_page_and_without_tokens(client, events):
    client.raise_request_exception = False
    response = client.get("/fail/hush/", {"token": "hush"})
    error, request = events()
    assert response.status_code == 500
    assert error["request_id"] == request["request_id"]
    assert request["request_id"] in response.text
    assert error["event"] == "Internal Server Error: /fail/<token>/"
    assert "It does not work." in error["exception"]
    assert request["path"] == "/fail/<token>/"
    assert "hush" not in f"{error['event']} {request}"


@pytest.mark.urls(__name__)
def test_an_error_is_mailed_to_no_one(client, settings, mailoutbox):
    """Django's report to ADMINS has passwords of forms, as variables of allauth's functions."""
    settings.ADMINS = ["ops@example.com"]
    client.raise_request_exception = False
    assert client.post("/fail/hush/", {"password": "hush"}).status_code == 500
    assert mailoutbox == []


def test_a_csrf_failure_is_logged_without_a_query_string(events):
    other_site = {"referer": "https://evil.example/?token=hush"}
    browser = Client(enforce_csrf_checks=True)
    form, page = {"password": "hush"}, reverse("account_login")
    response = browser.post(page, form, headers=other_site, secure=True)
    assert "came from another site" in response.text
    failure, request = events()
    assert (failure["logger"], request["status"]) == ("django.security.csrf", 403)
    assert "https://evil.example" in failure["event"]
    assert "hush" not in f"{failure} {request}"


@pytest.mark.parametrize("value", ["short", "x" * 129, "twenty characters, {}", "é" * 30])
def test_an_invalid_request_id_is_replaced(client, events, value):
    response = client.get("/favicon.ico", headers={"X-Request-ID": value})
    (event,) = events()
    assert event["request_id"] == response.headers["X-Request-ID"] != value


def test_a_line_has_a_part_of_a_long_path_and_of_a_long_traceback(client, events):
    """Platforms split lines of more than 10,000 bytes."""

    def fail(depth: int):
        if depth:
            return fail_again(depth - 1)
        raise RuntimeError

    def fail_again(depth: int):
        return fail(depth)

    client.get(f"/{'x' * 2000}")
    assert len(events()[-1]["path"]) == MAX_PATH_LENGTH
    with pytest.raises(RuntimeError) as raised:
        fail(100)
    text = format_exception((raised.type, raised.value, raised.tb))
    assert text.count("  File ") == MAX_FRAMES


def test_sentry_as_the_project_has_set_it_up_stays(monkeypatch):
    monkeypatch.setattr(sentry_sdk, "is_initialized", lambda: True)
    monkeypatch.setattr(sentry_sdk, "init", None)
    init_sentry("https://other@127.0.0.1:1/2")


def test_paths_with_a_key_are_not_logged(client, db, events, settings):
    client.get(reverse("account_confirm_email", args=["secretkey"]))
    client.get(reverse("account_reset_password_from_key", args=["1", "secretkey"]))
    # Not resolved, as it lacks the final slash.
    client.get(reverse("account_confirm_email", args=["secretkey"]).removesuffix("/"))
    settings.SECURE_SSL_REDIRECT = True
    path = reverse("account_confirm_email", args=["secretkey"])
    assert Client().get(path).status_code == 301
    paths = [event["path"] for event in events()]
    assert len(paths) == 4
    assert "secretkey" not in str(paths)


@pytest.mark.parametrize("name", RATE_LIMITED_LOGGERS)
def test_lines_that_each_request_may_cause_are_one_per_interval(events, name, monkeypatch):
    logger = logging.getLogger(name)
    (rate_limit,) = logger.filters
    monkeypatch.setattr(rate_limit, "silent_until", 0.0)
    for _ in range(3):
        logger.error("Away", exc_info=ConnectionError())
    (event,) = events()
    assert (event["event"], event["level"]) == ("Away (ConnectionError)", "warning")
    assert "exception" not in event
