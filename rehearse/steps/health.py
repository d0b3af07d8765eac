"""The platform's health check, while all threads of the server are busy."""

import asyncio
import time

from psycopg.errors import LockNotAvailable

from rehearse.findings import Finding
from rehearse.load import Answer, Outcome
from rehearse.platforms import HealthCheck
from rehearse.stage import DATABASE, Stage
from rehearse.visits import Visits, described
from rehearse.web import Web

# More than the threads of a web process, or the connections of its pool.
CLIENTS, PAUSE = 64, 0.2
# A first request waits by then, if any does; if no more do for STEADY_SECONDS, all threads are busy.
FIRST_SECONDS, STEADY_SECONDS = 5, 1.5
CHECKS = 3
# A check that has no answer by then waits for a thread.
MOST_SECONDS = 3
# A busy site may have no free thread for so long: Heroku's router waits 30 s for a response, and
# Gunicorn for a worker.
BUSY_SECONDS = 30


def is_checked(stage: Stage) -> bool:
    return stage.platform.health_check() is not None and stage.has_own("postgres")


def check_health(stage: Stage) -> Finding:
    """Ask for the health check's path, first alone, then while requests wait for PostgreSQL, all of
    whose tables are locked.
    """
    web, check, platform = stage.web, stage.platform.health_check(), stage.platform.title
    checks = Visits([check.path], time.monotonic())
    try:
        waiting, alone, *busy = asyncio.run(ask_while_busy(stage, web, check, checks))
    except LockNotAvailable:
        return Finding("not tried: a transaction of the site stays open, and holds its tables")
    answered = sum(map(is_healthy, busy))
    found = Finding(samples=checks.samples, figures={"waiting": waiting, "answered": answered})
    beside = f"beside {waiting} requests that wait for the database"
    if not is_healthy(alone):
        found.fail(
            f"{check.path} is {described(alone)}: {platform} keeps the old deployment",
            "Name a path that is answered with 200 in the app spec's health_check.",
            web.process.output(),
        )
    elif not waiting:
        found.text = f"{check.path} is {alone.status}; no page waits for the database"
    elif answered:
        found.text = f"{answered} of {CHECKS} answered {beside}"
    elif check.patience > BUSY_SECONDS:
        found.text = f"no answer {beside}; {platform} allows {check.patience:.0f} s of that"
    else:
        found.fail(
            f"no answer {beside}: after {check.patience:.0f} s {platform} sends no more requests",
            "Answer it without a thread or the database, as an ASGI server can; or let it fail for"
            f" more than {BUSY_SECONDS} s (health_check: period_seconds, failure_threshold).",
            web.process.output(),
        )
    return found


def is_healthy(answer: Answer) -> bool:
    return answer.outcome is Outcome.COMPLETE and HealthCheck.is_passed_by(answer.status)


async def ask_while_busy(stage: Stage, web: Web, check: HealthCheck, checks: Visits) -> list:
    """How many requests waited; the answer to a check before that, and those beside them."""
    answers = [await ask(web, check, checks)]
    visits, limit = Visits(stage.paths, time.monotonic()), stage.platform.response_seconds
    clients = [stage.client(web, limit) for _ in range(CLIENTS)]
    async with visits.coming(clients, PAUSE):
        with stage.services.postgres.all_locked(DATABASE):
            if waiting := await count_waiting(stage):
                answers += [await ask(web, check, checks) for _ in range(CHECKS)]
    return [waiting, *answers]


async def count_waiting(stage: Stage) -> int:
    """How many connections of the site wait for a lock, once their number is steady."""
    most, since = 0, time.monotonic()
    while time.monotonic() < since + (STEADY_SECONDS if most else FIRST_SECONDS):
        await asyncio.sleep(0.1)
        now = await asyncio.to_thread(stage.services.postgres.held_up, DATABASE)
        if now > most:
            most, since = now, time.monotonic()
    return most


async def ask(web: Web, check: HealthCheck, checks: Visits) -> Answer:
    client = web.client(seconds=min(check.timeout, MOST_SECONDS))
    answer = await checks.get(client, check.path)
    client.close()
    return answer
