"""A restart of PostgreSQL or Redis, as the platforms' maintenance does."""

import asyncio
import time
from collections.abc import Callable

from rehearse.findings import Finding
from rehearse.processes import wait_for
from rehearse.stage import DATABASE, Stage
from rehearse.visits import Visits
from rehearse.web import Web

CLIENTS = 4
BEFORE, DOWN = 0.5, 1
# PostgreSQL counts a transaction by then; further workers have booted by then.
COUNT_SECONDS, BOOT_SECONDS = 4, 20
# A site that has not recovered by then fails the step.
RECOVERY_SECONDS = 30


def restart_postgres(stage: Stage) -> Finding:
    postgres = stage.services.postgres
    how = {
        "sqlalchemy": "SQLAlchemy's pool_pre_ping=True",
        "psycopg_pool": "check=ConnectionPool.check_connection of psycopg_pool",
        "django": "Django's CONN_HEALTH_CHECKS = True",
    }
    advice = stage.advice("Check connections before use, and connect anew", how)
    return restart(stage, postgres, advice, lambda: postgres.transactions(DATABASE))


def restart_redis(stage: Stage) -> Finding:
    valkey = stage.services.valkey
    return restart(stage, valkey, "Let the client of Redis retry and reconnect.", valkey.commands)


def restart(stage: Stage, server, advice: str, uses: Callable[[], int]) -> Finding:
    """Stop the server for a second, and see when pages are answered again; none may fail later.

    The number that ``uses`` returns grows if pages ask the server.
    """
    web = stage.web
    # What a worker does while it boots is no page.
    wait_for(lambda: not web.process.is_busy(), BOOT_SECONDS)
    visits = Visits([*stage.paths, *stage.probes], time.monotonic())
    is_used, back_at = asyncio.run(visit_during(stage, web, server, visits, uses))
    lost = [one for one in visits.samples if one.is_lost]
    after = [one for one in lost if one.at > back_at]
    found = Finding(samples=visits.samples)
    if not web.process.is_running():
        found.fail("the web process ended", advice, web.process.output())
        return found
    wait = max((one.at + one.milliseconds / 1000 - back_at for one in after), default=0)
    if wait > RECOVERY_SECONDS:
        found.fail(
            f"pages still fail {RECOVERY_SECONDS} s after its restart: {visits.worst()}",
            advice,
            web.process.output(),
        )
    else:
        found.text = "no page fails" if is_used else "none of the pages asked for needs it"
        found.text = f"answers {wait:.1f} s after its restart" if lost else found.text
    found.figures = {"recovery_s": round(wait, 1), "lost": len(lost)}
    return found


async def visit_during(
    stage: Stage, web: Web, server, visits: Visits, uses: Callable[[], int]
) -> tuple[bool, float]:
    """Whether pages ask the server; and when it was back, in seconds since ``visits.started``."""
    clients = [stage.client(web, 10) for _ in range(CLIENTS)]

    def is_answered() -> bool:
        """Whether all answers of the last second were good."""
        recent = [one for one in visits.samples if one.at > time.monotonic() - visits.started - 1]
        return len(recent) > CLIENTS and not any(one.is_lost for one in recent)

    async with visits.coming(clients, 0.02):
        before = uses()
        await asyncio.sleep(BEFORE)
        is_used = await asyncio.to_thread(wait_for, lambda: uses() > before, COUNT_SECONDS)
        await asyncio.to_thread(server.stop)
        await asyncio.sleep(DOWN)
        await asyncio.to_thread(server.start)
        back = time.monotonic()
        await asyncio.to_thread(wait_for, is_answered, RECOVERY_SECONDS + 2)
    return is_used, back - visits.started
