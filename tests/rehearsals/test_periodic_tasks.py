"""Periodic tasks: two workers run each once per period, whatever fails."""

from itertools import pairwise

import psycopg
import pytest

from tests.harness.combinations import by_name, for_combinations
from tests.harness.views import rows
from tests.harness.waiting import wait_until

PERIOD = 2  # seconds, as in tests/harness/extra/tasks.py
PERIODS = 5

# A worker does the same beside each web server and on each platform.
pytestmark = for_combinations(
    by_name("heroku-wsgi-gunicorn-use_celery-use_s3_media"), apart="faults"
)


@pytest.fixture
def connection(database, services, extra_views):
    services.valkey.flush()
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def sent(connection):
    """A function: the moments at which the task "tick" was sent since the test began."""
    connection.execute("""
        CREATE TABLE sent (moment double precision);
        CREATE RULE note AS ON UPDATE TO paas_celery_periodictask WHERE new.name = 'tick'
        DO ALSO INSERT INTO sent VALUES (extract(epoch FROM new.last_run_at))
    """)
    query = "SELECT moment FROM sent ORDER BY moment"
    yield lambda: [moment for (moment,) in connection.execute(query)]
    connection.execute("DROP RULE note ON paas_celery_periodictask; DROP TABLE sent")


def pauses(moments: list[float]) -> list[float]:
    return [later - one for one, later in pairwise(moments)]


def test_two_workers_run_a_periodic_task_once_per_period(
    deployment, extra_views, sent, database, services, project
):
    """Also after one of them is killed, and after Redis is flushed."""
    before = rows(database, "tick")

    def wait_for(count: int) -> None:
        wait_until(lambda: len(sent()) >= count, f"{count} tasks")

    with deployment.worker(**extra_views) as killed, deployment.worker(**extra_views):
        wait_for(PERIODS)
        with psycopg.connect(database) as holder:
            holder.execute("SELECT FROM paas_celery_periodictask WHERE name = 'tick' FOR UPDATE")
            # Both find it due: one sends it when the row is free, and neither before.
            wait_until(lambda: services.postgres.held_up(project.database) == 2, "both workers")
            held = len(sent())
            wait_until(lambda: rows(database, "tick") - before >= held, "all that was sent")
            wait_until(lambda: not services.valkey.tasks(), "the end of all tasks")
            assert rows(database, "tick") - before == held
        wait_for(held + 2)
        killed.kill()
        wait_for(held + 4)
        services.valkey.flush()
        wait_for(held + 7)
        assert max(pauses(sent()[held:])) < 2 * PERIOD
        assert min(pauses(sent())) > PERIOD - 0.1
        services.valkey.stop()
        services.valkey.start()
        before = rows(database, "tick")
        wait_until(lambda: rows(database, "tick") > before, "a run after Redis restarted")
