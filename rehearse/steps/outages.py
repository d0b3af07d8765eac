"""A restart of PostgreSQL or Redis, as the platforms' maintenance does."""

import asyncio
import time

from rehearse.findings import Finding
from rehearse.stage import Stage
from rehearse.visits import Visits, until
from rehearse.web import Web

CLIENTS = 4
BEFORE, DOWN = 0.5, 1
# A site that has not recovered by then fails the step.
RECOVERY_SECONDS = 30


def has_postgres(stage: Stage) -> bool:
    return stage.has_own("postgres")


def has_redis(stage: Stage) -> bool:
    return stage.has_own("redis")


def restart_postgres(stage: Stage) -> Finding:
    advice = (
        "Check connections before use: Django's CONN_HEALTH_CHECKS, SQLAlchemy's pool_pre_ping,"
        " psycopg_pool's check."
    )
    return restart(stage, stage.services.postgres, advice)


def restart_redis(stage: Stage) -> Finding:
    return restart(stage, stage.services.valkey, "Let the client of Redis retry and reconnect.")


def restart(stage: Stage, server, advice: str) -> Finding:
    """Stop the server for a second, and see when pages are answered again; none may fail later."""
    web, started = stage.web, time.monotonic()
    visits = Visits([*stage.paths, *stage.probes], started)
    back_at = asyncio.run(visit_during(stage, web, server, visits))
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
        found.text = f"answers {wait:.1f} s after its restart" if lost else "no page fails"
    found.figures = {"recovery_s": round(wait, 1), "lost": len(lost)}
    return found


async def visit_during(stage: Stage, web: Web, server, visits: Visits) -> float:
    """Returns when the server was back, in seconds since ``visits.started``."""
    clients = [stage.client(web, 10) for _ in range(CLIENTS)]

    def is_answered() -> bool:
        """Whether all answers of the last second were good."""
        recent = [one for one in visits.samples if one.at > time.monotonic() - visits.started - 1]
        return len(recent) > CLIENTS and not any(one.is_lost for one in recent)

    async with visits.coming(clients, 0.02):
        await asyncio.sleep(BEFORE)
        await asyncio.to_thread(server.stop)
        await asyncio.sleep(DOWN)
        await asyncio.to_thread(server.start)
        back = time.monotonic()
        await until(is_answered, RECOVERY_SECONDS + 2)
    return back - visits.started
