"""Periodic tasks on real servers: two workers run each once per period, whatever fails."""

import itertools
import signal
import threading
import time
from contextlib import ExitStack

import psycopg
import pytest

from rehearsal.combinations import SERVERS, for_combinations
from rehearsal.views import rows

PERIOD = 2  # seconds, as in rehearsal/extra/tasks.py
PERIODS = 5
# Of a worker that is busy with others' work, or of a machine with few cores.
TOLERANCE = 1

pytestmark = for_combinations([answers for answers in SERVERS if answers["use_celery"]][:1])


class Sent:
    """When the periodic task was sent, by any worker; seen by asking the database again and again."""

    def __init__(self, url: str):
        self.url, self.over = url, threading.Event()
        self.moments: list[float] = []
        self.thread = threading.Thread(target=self.watch)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.over.set()
        self.thread.join()

    def watch(self) -> None:
        query = "SELECT extract(epoch FROM last_run_at) FROM paas_periodictask WHERE name = 'tick'"
        with psycopg.connect(self.url, autocommit=True) as connection:
            while not self.over.wait(0.05):
                found = [float(moment) for (moment,) in connection.execute(query)]
                if found[-1:] != self.moments[-1:]:
                    self.moments += found

    def wait_for(self, count: int) -> list[float]:
        """The moments at which the task is sent ``count`` times from now on."""
        known, deadline = len(self.moments), time.monotonic() + (count + 1) * PERIOD + 20
        while len(self.moments) < known + count:
            assert time.monotonic() < deadline, self.moments
            time.sleep(0.05)
        return self.moments[known : known + count]


@pytest.fixture
def sent(services, project, extra_views):
    with Sent(services.postgres.url(project.database)) as watched:
        yield watched


@pytest.fixture
def start_worker(deployment, extra_views, services, request):
    """Start a worker; ended with the test."""
    services.valkey.flush()
    with ExitStack() as stack:
        yield lambda: stack.enter_context(deployment.worker(**extra_views))


def pauses(moments: list[float]) -> list[float]:
    return [after - before for before, after in itertools.pairwise(moments)]


def runs_of(services, url: str) -> int:
    """How often the task has run, once what was sent has run."""
    deadline = time.monotonic() + PERIOD / 2
    while services.valkey.tasks() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)  # for a moment, a task on its way to a worker is nowhere in Valkey
    return rows(url, "tick")


def assert_no_worker_sends_while_the_row_is_locked(services, database: str, url: str) -> None:
    """Lock the row until both workers wait for it: they seldom find the task due at the same moment."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT FROM paas_periodictask WHERE name = 'tick' FOR UPDATE")
        deadline = time.monotonic() + PERIOD + 20
        while services.valkey.tasks():  # what was sent before
            assert time.monotonic() < deadline
            time.sleep(0.05)
        before = runs_of(services, url)
        while services.postgres.held_up(database) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert runs_of(services, url) == before


def test_two_workers_run_a_periodic_task_once_per_period(
    start_worker, sent, services, project, report
):
    """Also after one of them is killed, and Redis has lost all it held."""
    url = services.postgres.url(project.database)
    workers = [start_worker(), start_worker()]
    sent.wait_for(2)
    assert_no_worker_sends_while_the_row_is_locked(services, project.database, url)
    sent.wait_for(1)
    before = runs_of(services, url)
    moments = sent.wait_for(PERIODS)
    runs = runs_of(services, url) - before
    report("runs of a task due five times", runs)
    report("Redis connections of two workers", sum(map(services.redis_connections, workers)))
    assert runs == PERIODS
    assert min(pauses(moments)) > PERIOD - 0.1
    # Two tasks at a time, and the clock.
    assert '"this_process": 3' in workers[0].output()
    workers[0].kill()
    killed_at = time.time()
    [taken_over_at] = sent.wait_for(1)
    report("s until another worker sends", round(taken_over_at - killed_at, 1))
    assert taken_over_at - killed_at < 2 * PERIOD
    services.valkey.flush()
    assert max(pauses(sent.wait_for(3))) < PERIOD + TOLERANCE
    services.valkey.restart()
    before = rows(url, "tick")
    sent.wait_for(2)
    workers[1].signal(signal.SIGTERM)
    assert workers[1].process.wait(workers[1].grace) == 0, workers[1].output()
    assert rows(url, "tick") > before


def test_a_task_that_was_due_while_no_worker_ran_runs_once_when_one_starts(
    start_worker, sent, services, project
):
    url = services.postgres.url(project.database)
    with psycopg.connect(url, autocommit=True) as connection:
        put_back = "UPDATE paas_periodictask SET last_run_at = now() - interval '3 days'"
        connection.execute(f"{put_back} WHERE name = 'clear sessions'")
        expired = "INSERT INTO django_session VALUES ('long gone', '', now() - interval '1 day')"
        connection.execute(expired)
        start_worker()
        query = "SELECT count(*) FROM django_session WHERE session_key = 'long gone'"
        deadline = time.monotonic() + 20
        while connection.execute(query).fetchone()[0]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
