"""The steps of a rehearsal, in their order; a step that does not apply to a project is left out."""

from collections.abc import Callable
from typing import NamedTuple

from rehearse.findings import Finding
from rehearse.stage import Stage
from rehearse.steps import (
    channels,
    clients,
    deploys,
    headers,
    health,
    idle,
    load,
    outages,
    start,
    workers,
)


class Step(NamedTuple):
    """``run`` returns what it found out. ``applies`` is called just before. If a step
    that ``is_needed`` fails, the platform would stop, and the later steps are not run.

    ``begin`` is called once all that are needed have passed: what it begins takes its time beside
    the other steps.
    """

    name: str
    run: Callable[[Stage], Finding]
    applies: Callable[[Stage], bool] = lambda stage: True
    is_needed: bool = False
    begin: Callable[[Stage], None] = lambda stage: None


STEPS: list[Step] = [
    Step("build", start.build, is_needed=True),
    Step("release", start.release, start.has_release, is_needed=True),
    Step("boot", start.boot, is_needed=True),
    Step("load", load.load),
    Step("deployment", deploys.deploy),
    Step("SIGTERM", deploys.stop),
    Step("slow clients", clients.slow_clients),
    Step("large body", clients.large_body),
    Step("health check", health.check_health, health.is_checked),
    Step("PostgreSQL", outages.restart_postgres, lambda stage: stage.has_own("postgres")),
    Step("Redis", outages.restart_redis, lambda stage: stage.has_own("redis")),
    Step("channel layer", channels.send_between_processes, channels.has_channels),
    Step("headers", headers.check_headers),
    Step("other processes", workers.start_others, workers.has_others),
    Step("worker stopped", workers.stop_worker, workers.has_celery),
    Step("worker killed", workers.kill_worker, workers.has_celery),
    Step("idle connection", idle.use_again, begin=idle.begin),
]
