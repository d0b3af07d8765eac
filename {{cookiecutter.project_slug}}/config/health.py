"""Health checks, answered before anything else looks at the request.

They may come over plain HTTP and with any Host, so ``SECURE_REDIRECT_EXEMPT`` names them and
nothing before them looks at the Host.

``/healthz``: the process is alive. Touches nothing.
``/readyz``: 200 when everything the site needs is there, else 503; the body names each part.
"""

from concurrent.futures import Future, ThreadPoolExecutor, wait

import structlog
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse, JsonResponse

# <% if cookiecutter.__redis == "yes" %>
from config.redis import probe_redis

# <% endif %>
# App Platform gives up after one second.
SECONDS = 0.8


def health_checks(get_response):
    """Middleware that answers the health checks and passes every other request on."""

    def middleware(request):
        answer = ANSWERS.get(request.path_info)
        if not answer:
            return get_response(request)
        response = answer()
        # Some servers close the connection after an answer whose length they do not know.
        response["Content-Length"] = len(response.content)
        return response

    return middleware


def probe_database() -> str:
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        return "migrations are pending" if pending else "ok"
    finally:
        connection.close()


PROBES = {
    "database": probe_database,
    # <% if cookiecutter.__redis == "yes" %>
    "redis": probe_redis,
    # <% endif %>
}
# A thread for each part: one that hangs holds up neither the answer nor the probes of the others.
THREADS = {name: ThreadPoolExecutor(1, f"readyz-{name}") for name in PROBES}
UNDER_WAY: dict[str, Future] = {}

logger = structlog.get_logger(__name__)


def liveness() -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


def readiness() -> JsonResponse:
    """Ask every part at once; whatever fails or takes longer than ``SECONDS`` is not ready."""
    answers = {name: ask(name) for name in PROBES}
    wait(answers.values(), timeout=SECONDS)
    parts = {name: describe(answer) for name, answer in answers.items()}
    ready = all(part == "ok" for part in parts.values())
    if not ready:
        logger.warning("not ready", **parts)
    return JsonResponse(parts, status=200 if ready else 503)


def ask(name: str) -> Future:
    """The answer of a part: one for all who ask meanwhile."""
    if name not in UNDER_WAY or UNDER_WAY[name].done():
        UNDER_WAY[name] = THREADS[name].submit(PROBES[name])
    return UNDER_WAY[name]


def describe(answer: Future) -> str:
    if not answer.done():
        return "no answer in time"
    return "unreachable" if answer.exception() else answer.result()


ANSWERS = {"/healthz": liveness, "/readyz": readiness}
