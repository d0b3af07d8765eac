"""Health checks of the process and of the services that it needs.

``/healthz``: 200 while the process can answer. It uses no service.
``/readyz``: 200 if every probe in ``settings.READINESS_PROBES`` returns "ok", else 503; the body
has the status of each.

Platforms may send them over plain HTTP and with any Host. So no middleware above
HealthCheckMiddleware may call ``request.get_host()``, and if SecurityMiddleware is above it,
SECURE_REDIRECT_EXEMPT lists both. Under ASGI ``paas.asgi.handler`` answers before any middleware,
without a thread.
"""

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor, wait

import structlog
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse, JsonResponse
from django.utils.module_loading import import_string

from paas.conf import settings
from paas.db.budget import warn_of_shortage
from paas.site.middleware import NonBlockingMiddleware

LIVENESS_PATH, READINESS_PATH = PATHS = ("/healthz", "/readyz")
# Seconds. Platforms may give up after one.
PROBE_TIMEOUT = 0.8
REDIS_TIMEOUT = 0.7

Probes = dict[str, Future[str]]
logger = structlog.get_logger(__name__)


def probe_database() -> str:
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        warn_of_shortage(connection)
        return "migrations are pending" if pending else "ok"
    finally:
        connection.close()


def probe_other_databases() -> str:
    """Raise an error unless each database of DATABASES but the default one answers a query."""
    for alias in set(connections) - {DEFAULT_DB_ALIAS}:
        other = connections[alias]
        try:
            with other.cursor() as cursor:
                cursor.execute("SELECT 1")
            warn_of_shortage(other)
        finally:
            other.close()
    return "ok"


def probe_redis() -> str:
    """Raise an error unless Redis answers. Without REDIS_URL, as in development, return "ok"."""
    from redis import Redis  # not every project has it

    if settings.REDIS_URL:
        timeouts = {"socket_timeout": REDIS_TIMEOUT, "socket_connect_timeout": REDIS_TIMEOUT}
        with Redis.from_url(settings.REDIS_URL, **timeouts) as client:
            client.ping()
    return "ok"


# A thread per probe: one that hangs delays neither the response nor the other probes.
PROBE_THREADS: dict[str, ThreadPoolExecutor] = {}
PENDING: Probes = {}


class HealthCheckMiddleware(NonBlockingMiddleware):
    """Answer the health checks and pass every other request on."""

    def process_request(self, request):
        if request.path_info not in PATHS:
            return None
        return respond(wait_for_probes() if request.path_info == READINESS_PATH else None)


def is_health_check(path: str) -> bool:
    """Whether the path is one of a health check, and the site has the middleware that answers."""
    return path in PATHS and "paas.site.health.HealthCheckMiddleware" in settings.MIDDLEWARE


async def respond_async(path: str) -> HttpResponse:
    """The response to a health check, on the event loop."""
    if path != READINESS_PATH:
        return respond()
    probes = start_probes()
    finished = asyncio.gather(*map(asyncio.wrap_future, probes.values()), return_exceptions=True)
    await asyncio.wait({finished}, timeout=PROBE_TIMEOUT)
    return respond(probes)


def respond(probes: Probes | None = None) -> HttpResponse:
    """The response of /readyz if there are ``probes``, else of /healthz."""
    response = (
        HttpResponse("ok", content_type="text/plain") if probes is None else readiness(probes)
    )
    # Some servers close the connection after a response without Content-Length.
    response["Content-Length"] = len(response.content)
    return response


def readiness(probes: Probes) -> JsonResponse:
    """The response of /readyz; a probe that raised or has not finished is not "ok"."""
    parts = {name: probe_status(probe) for name, probe in probes.items()}
    ready = all(part == "ok" for part in parts.values())
    if not ready:
        logger.warning("not ready", **parts)
    return JsonResponse(parts, status=200 if ready else 503)


def probe_status(probe: Future[str]) -> str:
    if not probe.done():
        return "no answer in time"
    return "unreachable" if probe.exception() else probe.result()


def start_probes() -> Probes:
    return {name: run_probe(name) for name in settings.READINESS_PROBES}


def wait_for_probes() -> Probes:
    """Run every probe at once, and wait for them for up to PROBE_TIMEOUT."""
    probes = start_probes()
    wait(probes.values(), timeout=PROBE_TIMEOUT)
    return probes


def run_probe(name: str) -> Future[str]:
    """Start the probe, unless it runs already: concurrent health checks share its result."""
    if name not in PENDING or PENDING[name].done():
        if name not in PROBE_THREADS:
            PROBE_THREADS[name] = ThreadPoolExecutor(1, f"readyz-{name}")
        PENDING[name] = PROBE_THREADS[name].submit(import_string(settings.READINESS_PROBES[name]))
    return PENDING[name]
