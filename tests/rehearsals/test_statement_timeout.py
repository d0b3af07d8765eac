"""A query of a web process that takes too long is ended; those of commands and tasks are not."""

from functools import partial

from tests.harness.combinations import by_name, for_combinations
from tests.harness.views import rows
from tests.harness.waiting import wait_until

DEFAULT = by_name("heroku-asgi-uvicorn")
WITH_CELERY = by_name("heroku-wsgi-gunicorn-use_celery-use_s3_media")
# Seconds; the default is 20.
TIMEOUT, LONGER = {"STATEMENT_TIMEOUT": "1"}, 2


# For each interface: the middleware does the same with each server.
@for_combinations([*DEFAULT, *WITH_CELERY], apart="faults")
def test_a_runaway_query_is_a_503_and_a_log_line_names_its_view(extra_site):
    with extra_site.visitor() as visitor:
        response = visitor.get("/extra/sleep-in-database/?seconds=60", timeout=60)
        assert response.status_code == 503
        lines = [
            event for event in extra_site.process.events() if event["event"] == "query canceled"
        ]
        assert lines[-1]["view"] == "extra.views.sleep_in_database"
        assert lines[-1]["reason"] == "canceling statement due to statement timeout"
        assert lines[-1]["request_id"] == response.headers["X-Request-ID"]
        # The connection can still be used.
        for _ in range(10):
            assert visitor.get("/").status_code == 200
        assert visitor.get("/extra/sleep-in-database/?seconds=0.1").status_code == 200

    def logged() -> list[dict]:
        events = extra_site.process.events()
        return [event for event in events if event["event"] == "database connections"]

    line = wait_until(logged, "the log line with the connections")[0]
    # It is logged by a thread at the start: 100 connections, of which 3 are the superuser's.
    assert line["limit"] == 97
    assert 0 < line["in_use"] < 97
    assert line["this_process"] in (9, 4)  # with ASGI, with a pool


# manage.py is the same with each interface.
@for_combinations(DEFAULT, apart="faults")
def test_commands_have_no_limit(deployment):
    script = f"""
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_sleep({LONGER})")
    cursor.execute("SHOW statement_timeout")
    print("timeout:", cursor.fetchone()[0])
"""
    assert "timeout: 0" in deployment.run_script(script, **TIMEOUT)


@for_combinations(WITH_CELERY, apart="faults")
def test_tasks_have_no_limit(deployment, extra_views, services, database):
    services.valkey.flush()
    script = f"from extra.tasks import sleep_in_database as task; task.delay({LONGER})"
    deployment.run_script(script, **extra_views)
    with deployment.worker(**extra_views, **TIMEOUT) as worker:
        output, found = worker.output, partial(rows, database, "slept in database")
        wait_until(lambda: found() or "canceling" in output(), "the end of the task")
        assert found()
