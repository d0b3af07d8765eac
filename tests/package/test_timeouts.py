"""A query that PostgreSQL ends becomes status 503, and a log line that names the view."""

from contextlib import nullcontext
from types import SimpleNamespace

import psycopg
import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path

from paas.timeouts import limit_statements, set_statement_timeout


def time_out(request):
    raise OperationalError("canceling statement") from psycopg.errors.QueryCanceled()


def fail(request):
    raise OperationalError("the connection is lost") from psycopg.OperationalError()


async def time_out_async(request):
    time_out(request)


urlpatterns = [
    path("slow/", time_out),
    path("slow-async/", time_out_async),
    path("broken/", fail),
    path("well/", lambda request: HttpResponse("well")),
]


@pytest.fixture
def site(client):
    client.raise_request_exception = False
    with override_settings(ROOT_URLCONF=__name__, SECURE_SSL_REDIRECT=False):
        yield client


@pytest.mark.parametrize(
    ("url", "view"), [("/slow/", "time_out"), ("/slow-async/", "time_out_async")]
)
def test_a_query_that_was_ended_is_a_503_and_its_view_is_logged(site, events, url, view):
    response = site.get(url)
    assert response.status_code == 503
    assert response["Retry-After"]
    [line] = [event for event in events() if event["event"] == "query canceled"]
    assert line["view"] == f"{__name__}.{view}"
    assert (line["level"], line["request_id"]) == ("error", response["X-Request-ID"])


def test_other_database_errors_are_500(site):
    assert site.get("/well/").status_code == 200
    assert site.get("/broken/").status_code == 500


@pytest.fixture
def receivers(settings, monkeypatch):
    """The receivers of connection_created that limit_statements() connects."""
    found: list = []
    monkeypatch.setattr("paas.timeouts.connection_created", SimpleNamespace(connect=found.append))
    settings.STATEMENT_TIMEOUT, settings.DATABASE_IS_POOLED = 20, False
    return found


def test_web_processes_set_the_timeout_of_each_connection(receivers):
    limit_statements()
    assert receivers == [set_statement_timeout]
    executed: list = []
    cursor = SimpleNamespace(execute=executed.append)
    connection = SimpleNamespace(vendor="postgresql", cursor=lambda: nullcontext(cursor))
    set_statement_timeout(connection)
    assert executed == ["SET statement_timeout = '20s'"]


def test_a_timeout_may_be_off_and_a_pool_has_none(receivers, settings):
    settings.STATEMENT_TIMEOUT = 0
    limit_statements()
    settings.STATEMENT_TIMEOUT, settings.DATABASE_IS_POOLED = 20, True
    limit_statements()
    assert receivers == []
