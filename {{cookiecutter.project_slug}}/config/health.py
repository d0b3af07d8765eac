"""Health checks, answered before anything else looks at the request.

They may come over plain HTTP and with any Host: ``SECURE_REDIRECT_EXEMPT`` lists them, and no
middleware above HealthCheckMiddleware checks the Host.

``/healthz``: the process is alive. Touches nothing.
``/readyz``: 200 when everything the site needs is there, else 503; the body names each part.

Under ASGI the event loop answers them, so middleware above HealthCheckMiddleware must not wait.
"""

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor, wait

import structlog
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse, JsonResponse
from django.utils.module_loading import import_string

from config.middleware import NonBlockingMiddleware

LIVENESS_PATH, READINESS_PATH = PATHS = ("/healthz", "/readyz")
# Seconds; App Platform gives up after one.
PROBE_TIMEOUT = 0.8

Probes = dict[str, Future[str]]
logger = structlog.get_logger(__name__)


def probe_database() -> str:
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        return "migrations are pending" if pending else "ok"
    finally:
        connection.close()


# Names, not functions, as config.redis is not in every project.
PROBES = {
    "database": "config.health.probe_database",
    # <% if cookiecutter.__redis == "yes" %>
    "redis": "config.redis.probe_redis",
    # <% endif %>
}
# A thread per probe: one that hangs delays neither the response nor the other probes.
THREADS = {name: ThreadPoolExecutor(1, f"readyz-{name}") for name in PROBES}
PENDING: Probes = {}


class HealthCheckMiddleware(NonBlockingMiddleware):
    """Answer the health checks and pass every other request on."""

    def process_request(self, request):
        if request.path_info == LIVENESS_PATH:
            response: HttpResponse = HttpResponse("ok", content_type="text/plain")
        elif request.path_info == READINESS_PATH:
            response = readiness(getattr(request, "probes", None) or wait_for_probes())
        else:
            return None
        # Some servers close the connection after a response without Content-Length.
        response["Content-Length"] = len(response.content)
        return response


def readiness(probes: Probes) -> JsonResponse:
    """The response; a probe that raised or is not done yet is not ready."""
    parts = {name: probe_status(probe) for name, probe in probes.items()}
    ready = all(part == "ok" for part in parts.values())
    if not ready:
        logger.warning("not ready", **parts)
    return JsonResponse(parts, status=200 if ready else 503)


def probe_status(probe: Future[str]) -> str:
    if not probe.done():
        return "no answer in time"
    return "unreachable" if probe.exception() else probe.result()


def wait_for_probes() -> Probes:
    """Run every probe at once, and wait for them for up to PROBE_TIMEOUT."""
    probes = {name: run_probe(name) for name in PROBES}
    wait(probes.values(), timeout=PROBE_TIMEOUT)
    return probes


async def finish_probes(path: str) -> Probes:
    """As wait_for_probes(), on the event loop; empty unless the path is /readyz."""
    if path != READINESS_PATH:
        return {}
    probes = {name: run_probe(name) for name in PROBES}
    finished = asyncio.gather(*map(asyncio.wrap_future, probes.values()), return_exceptions=True)
    await asyncio.wait({finished}, timeout=PROBE_TIMEOUT)
    return probes


def run_probe(name: str) -> Future[str]:
    """Start the probe, unless it runs already: concurrent health checks share its result."""
    if name not in PENDING or PENDING[name].done():
        PENDING[name] = THREADS[name].submit(import_string(PROBES[name]))
    return PENDING[name]
