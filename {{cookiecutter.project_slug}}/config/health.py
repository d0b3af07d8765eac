"""Health checks, answered before anything else looks at the request.

They may come over plain HTTP and with any Host, so they stand in front of the redirect to HTTPS
and of ``ALLOWED_HOSTS``.

``/healthz``: the process is alive. Touches nothing.
``/readyz``: 200 when everything the site needs is there, else 503; the body names each part.
"""

from concurrent.futures import Future, ThreadPoolExecutor, wait

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse, JsonResponse

# <% if cookiecutter.__interface == "asgi" %>
from config.redis import probe_redis

# <% endif %>
# App Platform gives up after one second.
SECONDS = 0.8


def health_checks(get_response):
    """Middleware that answers the health checks and passes every other request on."""

    def middleware(request):
        answer = ANSWERS.get(request.path_info)
        return answer() if answer else get_response(request)

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
    # <% if cookiecutter.__interface == "asgi" %>
    "redis": probe_redis,
    # <% endif %>
}
# Threads of their own: a part that hangs cannot hold up the answer.
THREADS = ThreadPoolExecutor(len(PROBES), thread_name_prefix="readyz")


def liveness() -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


def readiness() -> JsonResponse:
    """Ask every part at once; whatever fails or takes longer than ``SECONDS`` is not ready."""
    answers = {name: THREADS.submit(probe) for name, probe in PROBES.items()}
    wait(answers.values(), timeout=SECONDS)
    parts = {name: describe(answer) for name, answer in answers.items()}
    ready = all(part == "ok" for part in parts.values())
    return JsonResponse(parts, status=200 if ready else 503)


def describe(answer: Future) -> str:
    if answer.cancel() or not answer.done():
        return "no answer in time"
    return "unreachable" if answer.exception() else answer.result()


ANSWERS = {"/healthz": liveness, "/readyz": readiness}
