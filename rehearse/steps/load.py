"""Load: many visitors at once, and what the web process takes for them."""

import asyncio
import re
import time
from contextlib import suppress
from urllib.parse import urlsplit

from rehearse import buildpack
from rehearse.findings import Finding
from rehearse.load import Answer, Outcome
from rehearse.peak import Peak
from rehearse.processes import CommandFailed, run
from rehearse.stage import Stage
from rehearse.visits import Visits, described, is_lost
from rehearse.web import Web

CLIENTS = 32
SECONDS = 4
WARM_UP_SECONDS = 1
# Pages to ask for: the first, and what it links to.
MOST_PATHS = 6
LINK = re.compile(r"""<a\b[^>]*\bhref=["']?(/[^/"'#?>][^"'#?>]*)""")
REDIRECTS = (301, 302, 303, 307, 308)
# Where projects say whether they are ready; those that are there are asked during outages.
PROBES = ("/readyz", "/ready", "/health", "/up")


def load(stage: Stage) -> Finding:
    web, started, found = stage.web, time.monotonic(), Finding()
    visits = Visits([], started)
    asyncio.run(look_around(stage, web, visits, found))
    stage.paths = visits.paths or [web.path]
    if not visits.paths:
        if found.status != "ok":
            found.text, found.ends_run = f"every page fails: {found.text}", True
        return found
    figures = asyncio.run(visit(stage, web, visits))
    limit, plan = stage.platform.postgres_connections, stage.platform.megabytes("web")
    found.samples = visits.samples
    found.figures = figures
    if visits.lost:
        found.fail(
            f"lost {sum(visits.lost.values())} of {len(visits.samples)}: {visits.worst()}",
            "Read the output below: a page that is fine alone fails beside 31 others.",
            web.process.output(),
        )
    if stage.has_own("postgres") and figures["connections"] > limit:
        found.fail(
            f"{figures['connections']:.0f} PostgreSQL connections, of {limit} on the smallest plan",
            "Lower the size of the connection pool, the server's threads, or its processes"
            " (WEB_CONCURRENCY); or put PgBouncer between.",
        )
    if figures["megabytes"] > plan:
        found.fail(
            f"{figures['megabytes']:.0f} MB, of {plan} on the plan",
            "Start fewer processes (WEB_CONCURRENCY), or take a larger plan.",
        )
    if found.status == "ok":
        found.text = (
            "{pages_per_s} pages/s, p50 {p50_ms} ms, p99 {p99_ms} ms, {cpu_ms_per_page} ms of CPU"
        ).format(**figures)
        if stage.has_own("postgres"):
            found.text += f", {figures['connections']:.0f} of {limit} connections"
    return found


async def look_around(stage: Stage, web: Web, visits: Visits, found: Finding) -> None:
    """Ask for each path alone, then for what the first links to, unless paths were asked for.

    Those that are answered well become ``visits.paths``; others are named in ``found``.
    """
    client = stage.client(web, stage.platform.response_seconds)
    waiting, seen = list(stage.asked_paths or ["/"]), set()
    while waiting and len(visits.paths) < MOST_PATHS:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        sent = time.monotonic()
        answer = await visits.get(client, path)
        if problem := problem_of(stage, path, answer, time.monotonic() - sent):
            is_first_error = found.status == "ok" and (answer.status or 0) >= 500
            if is_first_error and (cause := missing_migrations(stage, web)):
                problem = f"{problem[0]}: no command has applied the migrations", cause
            found.fail(*problem, web.process.output())
        elif answer.status < 300:
            visits.paths.append(path)
        if not stage.asked_paths:
            waiting += next_paths(answer) if len(seen) < 2 or answer.status in REDIRECTS else []
    # A redirect, or a page that is missing at /, is a page as well if there is no other.
    if not visits.paths and found.status == "ok":
        visits.paths.append((stage.asked_paths or ["/"])[0])
    for path in PROBES:
        answer = await client.get(path)
        stage.probes += [path] if answer.status == 200 and path not in visits.paths else []
    client.close()
    found.samples = visits.samples
    visits.lost.clear()  # named above


def missing_migrations(stage: Stage, web: Web) -> str:
    """What to add, if pages fail because the database has no tables."""
    manage, output = buildpack.manage_file(stage.platform.folder), web.process.output()
    if stage.has("django") and manage:
        command = f"python {manage} showmigrations --plan"
        with suppress(CommandFailed):
            output = run(command, stage.platform.folder, stage.environment)
    if not re.search(r"^\[ \]|no such table|relation .* does not exist", output, re.MULTILINE):
        return ""
    commands = {
        "django": f"python {manage} migrate",
        "flask_migrate": "flask db upgrade",
        "alembic": "alembic upgrade head",
    }
    command = next((commands[name] for name in commands if stage.has(name)), "COMMAND")
    return stage.platform.release_advice.format(command)


def next_paths(answer: Answer) -> list[str]:
    """The paths on the same host that a redirect or the links of a page lead to."""
    if answer.status in REDIRECTS:
        location = urlsplit(answer.headers.get("location", ""))
        return [location.path or "/"] if location.scheme in ("", "http", "https") else []
    if "html" not in answer.headers.get("content-type", ""):
        return []
    links = LINK.findall(answer.body.decode(errors="replace"))
    return [link for link in links if not re.search(r"\.\w{2,5}$|logout", link)]


def problem_of(stage: Stage, path: str, answer: Answer, seconds: float) -> tuple[str, str] | None:
    """What is wrong with the answer, and what mends it."""
    limit, late = stage.platform.response_seconds, stage.platform.late
    if answer.outcome is Outcome.LATE or seconds >= limit:
        return (
            f"{path} took more than the router's {limit:.0f} s ({late})",
            "Give the work to a task of a worker, and let the page answer at once.",
        )
    if answer.status == 400:
        return (
            f"{path} is 400 for the host {stage.platform.host}",
            "Add the platform's host name to ALLOWED_HOSTS, or to what the framework has for it.",
        )
    # Nothing need be at / itself, or be open to all, unless it was asked for.
    is_bad = answer.status is not None and answer.status >= 400 and bool(stage.asked_paths)
    if is_lost(answer) or is_bad:
        return f"{path} is {described(answer)}", "Read the output below."
    return None


async def visit(stage: Stage, web: Web, visits: Visits) -> dict[str, float]:
    """Ask with CLIENTS clients for SECONDS, after a warm-up; returns the figures."""
    limit = stage.platform.response_seconds
    clients = [stage.client(web, limit) for _ in range(CLIENTS)]
    async with visits.coming(clients):
        await asyncio.sleep(WARM_UP_SECONDS)
        warm = len(visits.samples)
        cpu, since = web.process.cpu_seconds(), time.monotonic()
        with Peak(web, connections=stage.services.postgres.port) as peak:
            await asyncio.sleep(SECONDS)
        pages, took = len(visits.samples) - warm, time.monotonic() - since
        spent = web.process.cpu_seconds() - cpu
    return {
        "pages_per_s": round(pages / took),
        "p50_ms": round(visits.percentile(50)),
        "p99_ms": round(visits.percentile(99)),
        "cpu_ms_per_page": round(spent * 1000 / max(pages, 1), 1),
        "connections": peak.most["connections"],
        "megabytes": round(peak.most["memory"]),
        "paths": len(visits.paths),
    }
