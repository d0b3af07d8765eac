"""A query that PostgreSQL ends becomes status 503, and a log line that names the view."""

import psycopg
import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path

from paas.db.timeouts import limit_statements


def time_out(request):
    raise OperationalError("canceling statement") from psycopg.errors.QueryCanceled()


def fail(request):
    raise OperationalError("the connection is lost") from psycopg.OperationalError()


def wait_for_connection(request):
    from psycopg_pool import PoolTimeout

    raise OperationalError("no connection") from PoolTimeout()


async def time_out_async(request):
    time_out(request)


urlpatterns = [
    path("slow/", time_out),
    path("slow-async/", time_out_async),
    path("broken/", fail),
    path("busy/", wait_for_connection),
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


def test_a_request_that_gets_no_connection_is_a_503_at_once(site, events):
    pytest.importorskip("psycopg_pool")
    response = site.get("/busy/")
    assert response.status_code == 503
    assert response["Retry-After"]
    assert response.wsgi_request.lost_database  # the log line does not wait for one again
    [line] = [event for event in events() if event["event"] == "no database connection"]
    assert line["view"] == f"{__name__}.wait_for_connection"


@pytest.fixture
def options(settings, monkeypatch):
    """The OPTIONS of a PostgreSQL database."""
    found: dict = {"sslmode": "require"}
    database = {"ENGINE": "django.db.backends.postgresql", "OPTIONS": found}
    monkeypatch.setitem(settings.DATABASES, "default", database)
    settings.STATEMENT_TIMEOUT, settings.DATABASE_IS_POOLED = 20, False
    return found


def test_web_processes_have_the_timeout_from_each_connection_s_start(options):
    limit_statements()
    assert options == {"sslmode": "require", "options": "-c statement_timeout=20s"}


def test_an_owner_s_own_options_win(options):
    options["options"] = "-c statement_timeout=60s"
    limit_statements()
    assert options["options"] == "-c statement_timeout=20s -c statement_timeout=60s"


@pytest.mark.parametrize(("seconds", "is_pooled"), [(0, False), (20, True)])
def test_a_timeout_may_be_off_and_pgbouncer_takes_none(options, settings, seconds, is_pooled):
    settings.STATEMENT_TIMEOUT, settings.DATABASE_IS_POOLED = seconds, is_pooled
    limit_statements()
    assert "options" not in options
