"""A query of a web process that takes too long is ended; those of commands and tasks are not."""

import time

import pytest

from rehearsal.combinations import by_name, for_combinations
from rehearsal.views import rows

EACH_INTERFACE = by_name("heroku-asgi-daphne", "heroku-wsgi-gunicorn-use_celery-use_s3_media")
WITH_CELERY = [answers for answers in EACH_INTERFACE if answers["use_celery"]]
TIMEOUT = 1
SLEEP = 20


@pytest.fixture
def variables(extra_views) -> dict[str, str]:
    """What to change in the environment of every process."""
    return extra_views | {"STATEMENT_TIMEOUT": str(TIMEOUT)}


@pytest.fixture
def site(deployment, variables):
    with deployment.site(**variables) as site:
        yield site


@for_combinations(EACH_INTERFACE)
def test_a_runaway_query_is_a_503_and_a_log_line_names_its_view(site):
    with site.visitor() as visitor:
        started = time.monotonic()
        response = visitor.get(f"/extra/sleep-in-database/?seconds={SLEEP}")
        assert response.status_code == 503
        assert time.monotonic() - started < SLEEP - 5
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


@for_combinations(EACH_INTERFACE)
def test_commands_have_no_limit(deployment, variables):
    script = f"""
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_sleep({2 * TIMEOUT})")
    cursor.execute("SHOW statement_timeout")
    print("timeout:", cursor.fetchone()[0])
"""
    assert "timeout: 0" in deployment.run_script(script, **variables)


@for_combinations(WITH_CELERY)
def test_tasks_have_no_limit(deployment, variables, services, project):
    services.valkey.flush()
    script = f"from extra.tasks import sleep_in_database as task; task.delay({2 * TIMEOUT})"
    deployment.run_script(script, **variables)
    url = services.postgres.url(project.database)
    deadline = time.monotonic() + 60
    with deployment.worker(**variables) as worker:
        while not rows(url, "slept in database"):
            assert "canceling statement" not in worker.output()
            assert time.monotonic() < deadline, worker.output()
            time.sleep(0.1)
