"""A query of a web process that takes too long is ended; those of commands are not."""

import time

import pytest
from combinations import by_name, for_combinations

# One for each interface.
pytestmark = for_combinations(by_name("heroku-asgi-daphne", "digitalocean-wsgi-gunicorn"))

TIMEOUT = 1


@pytest.fixture
def site(deployment, extra_views):
    with deployment.site(STATEMENT_TIMEOUT=str(TIMEOUT), **extra_views) as site:
        yield site


def test_a_runaway_query_is_a_503_and_a_log_line_names_its_view(site):
    with site.visitor() as visitor:
        started = time.monotonic()
        response = visitor.get("/extra/sleep-in-database/?seconds=20")
        assert response.status_code == 503
        assert time.monotonic() - started < TIMEOUT + 2
        [line] = [event for event in site.process.events() if event["event"] == "query canceled"]
        assert line["view"] == "extra.views.sleep_in_database"
        assert line["reason"] == "canceling statement due to statement timeout"
        assert line["request_id"] == response.headers["X-Request-ID"]
        # The connection stays as good as it was.
        for _ in range(10):
            assert visitor.get("/").status_code == 200
        assert visitor.get("/extra/sleep-in-database/?seconds=0.1").status_code == 200
    # What it logged at its start, in a thread: 100 connections, of which 3 are the superuser's.
    [line, *_] = [e for e in site.process.events() if e["event"] == "database connections"]
    assert line["limit"] == 97
    assert 0 < line["in_use"] < 97
    assert line["this_process"] in (5, 6)


def test_commands_have_no_limit(deployment):
    script = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SHOW statement_timeout")
    print("timeout:", cursor.fetchone()[0])
"""
    assert "timeout: 0" in deployment.run_script(script)
