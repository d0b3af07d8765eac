"""The steps of a rehearsal, in their order; a step that does not apply to a project is left out."""

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
from rehearse.steps.step import Step

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
    Step("PostgreSQL", outages.restart_postgres, outages.has_postgres),
    Step("Redis", outages.restart_redis, outages.has_redis),
    Step("channel layer", channels.send_between_processes, channels.has_channels),
    Step("headers", headers.check_headers),
    Step("worker stopped", workers.stop_worker, workers.has_celery),
    Step("worker killed", workers.kill_worker, workers.has_celery),
    Step("idle connection", idle.use_again, begin=idle.begin),
]

__all__ = ["STEPS", "Step"]
