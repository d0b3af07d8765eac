"""A query of a web process that takes too long is ended; those of commands and tasks are not."""

from functools import partial

from tests.harness.combinations import by_name, for_combinations
from tests.harness.views import rows
from tests.harness.waiting import wait_until

WITH_CELERY = by_name("heroku-wsgi-gunicorn-use_celery-use_s3_media")


# For each interface: the middleware does the same with each server.
@for_combinations([*by_name("heroku-asgi-uvicorn"), *WITH_CELERY], apart="faults")
def test_a_runaway_query_is_a_503_and_a_log_line_names_its_view(extra_site):
    with extra_site.visitor() as visitor:
        response = visitor.get("/extra/sleep-in-database/?seconds=60", timeout=60)
        assert response.status_code == 503
        events = extra_site.events()
        line = [event for event in events if event["event"] == "query canceled"][-1]
        assert line["view"] == "extra.views.sleep_in_database"
        assert line["request_id"] == response.headers["X-Request-ID"]
        # The connection can still be used.
        assert {visitor.get("/").status_code for _ in range(10)} == {200}
        assert visitor.get("/extra/sleep-in-database/?seconds=0.1").status_code == 200


@for_combinations(WITH_CELERY, apart="faults")
def test_commands_and_tasks_have_no_limit(deployment, extra_views, services, database):
    services.valkey.flush()
    limit = {"STATEMENT_TIMEOUT": "1"}
    script = """
from django.db import connection
from extra.tasks import sleep_in_database
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_sleep(2)")
sleep_in_database.enqueue(2)
"""
    deployment.run_script(script, **extra_views, **limit)
    with deployment.worker(**extra_views, **limit) as worker:
        output, found = worker.output, partial(rows, database, "slept in database")
        wait_until(lambda: found() or "canceling" in output(), "the end of the task")
        assert found()
