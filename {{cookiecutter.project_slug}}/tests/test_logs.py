"""What is logged of a request, and what is not."""

import logging
import sys

import pytest
from django.urls import include, path, reverse

from config.logs import RateLimitFilter
from config.urls import handler500  # noqa: F401 (the error page of the URLs below)


def fail(request, token):
    password = "hush"  # noqa: F841 (a traceback could show it)
    raise RuntimeError("It does not work.")


urlpatterns = [path("fail/<token>/", fail), path("", include("config.urls"))]


def test_a_request_is_one_line_without_its_query(client, user, events):
    client.force_login(user)
    response = client.get(reverse("home"), {"token": "hush"})
    (event,) = events()
    assert event["request_id"] == response.headers["X-Request-ID"]
    assert (event["method"], event["path"], event["status"]) == ("GET", "/", 200)
    assert (event["user_id"], event["address"]) == (user.pk, "127.0.0.1")
    assert "hush" not in str(event)


def test_health_checks_are_not_logged(client, events):
    client.get("/healthz")
    assert events() == []


@pytest.mark.urls("tests.test_logs")
def test_an_error_is_logged_with_the_id_that_its_page_shows_and_without_tokens(client, events):
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


def test_a_line_that_repeats_is_logged_once_in_a_while():
    rate_limit = RateLimitFilter()
    record = logging.makeLogRecord({"msg": "Away", "levelno": logging.ERROR})
    assert rate_limit.filter(record)
    assert record.levelname == "WARNING"
    assert not rate_limit.filter(record)


def test_error_tracking_that_no_one_asked_for_is_not_even_imported():
    assert "sentry_sdk" not in sys.modules
