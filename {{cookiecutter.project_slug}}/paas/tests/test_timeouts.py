"""A query that PostgreSQL ends becomes status 503, and a log line that names the view."""

import psycopg
import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path

from paas.startup import limit_statements, use_direct_database

POSTGRESQL = {"ENGINE": "django.db.backends.postgresql"}


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
def database(settings, monkeypatch):
    """The database's settings, apart from those that the tests use."""
    found: dict = {**POSTGRESQL}
    monkeypatch.setitem(settings.DATABASES, "default", found)
    settings.DIRECT_DATABASE = {}
    settings.STATEMENT_TIMEOUT = 20
    return found


def test_web_processes_have_a_timeout(database):
    limit_statements()
    assert database["OPTIONS"]["options"] == "-c statement_timeout=20s"


def test_a_timeout_may_be_off_or_in_the_url_and_a_pool_takes_none(database, settings):
    settings.STATEMENT_TIMEOUT = 0
    limit_statements()
    assert database == POSTGRESQL
    settings.STATEMENT_TIMEOUT = 20
    settings.DIRECT_DATABASE = {**POSTGRESQL, "HOST": "db.example.com"}
    limit_statements()
    assert database == POSTGRESQL
    settings.DIRECT_DATABASE = {}
    database["OPTIONS"] = {"options": "-c statement_timeout=5s"}
    limit_statements()
    assert database["OPTIONS"]["options"] == "-c statement_timeout=5s"


def test_commands_use_the_direct_connection_if_there_is_one(database, settings):
    use_direct_database()
    assert settings.DATABASES["default"] == POSTGRESQL
    settings.DIRECT_DATABASE = {**POSTGRESQL, "HOST": "db.example.com"}
    use_direct_database()
    assert settings.DATABASES["default"]["HOST"] == "db.example.com"
