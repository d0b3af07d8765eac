"""Pages asked for by many clients at once, of each server and of the same project as stock Django."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median, quantiles
from typing import NamedTuple

from rehearse.load import Client, Outcome
from scripts.bench.servers import Row, Server
from tests.harness.site import Site

CLIENTS = 32
PAGES = 320
NOTE = f"""\
The home page, logged in: a session and a user from PostgreSQL, over TLS. {CLIENTS} clients, one process of
each server. "Django's" is the same project with `get_wsgi_application()` or `get_asgi_application()`, and
[connections](https://docs.djangoproject.com/en/stable/ref/databases/#persistent-connections) as Django's
documentation has them: under WSGI `CONN_MAX_AGE = 600` with health checks ("persistent") or 0, which opens a
TLS connection for each request; under ASGI, where they must not last, 0 or `OPTIONS["pool"]`. "Ours" is the
project as generated. The first row is stock gthread with 4 threads, the others have the command in the
Procfile. Turns of {PAGES} pages alternate: medians. CPU is of all the server's processes, for one page;
"times" is the median of its ratio to the first row in the same turn, then the quartiles of it.
The aim: Uvicorn at most 1.25, Daphne at most 1.50."""


class Figures(NamedTuple):
    """Milliseconds of CPU of all processes for a page, pages in a second, milliseconds of the median."""

    cpu: float
    per_second: float
    p50: float


def measure(servers: list[Server], turns: int) -> list[Row]:
    """A row for each site of each server. All are up at once, and take turns in alternating order."""
    with ExitStack() as stack:
        sites, rows = [], []
        for server in servers:
            for row, site in server.sites():
                started = time.perf_counter()
                stack.enter_context(site)
                rows.append(row | {"boot s": time.perf_counter() - started})
                sites.append((site, server.sessions[0]))
        found: list[list[Figures]] = [[] for _ in sites]
        for turn in range(turns):
            numbers = range(len(sites))
            for number in numbers if turn % 2 else reversed(numbers):
                found[number].append(asyncio.run(load(*sites[number])))
        memory = [site.process.memory() for site, _ in sites]
    return [
        row | compared(turns_of_one, found[0]) | {"memory MB": megabytes}
        for row, turns_of_one, megabytes in zip(rows, found, memory, strict=True)
    ]


def compared(turns: list[Figures], base: list[Figures]) -> Row:
    ratios = [one.cpu / other.cpu for one, other in zip(turns, base, strict=True)]
    low, _, high = quantiles(ratios, n=4)
    return {
        "CPU ms": median(turn.cpu for turn in turns),
        "times": median(ratios),
        "quartiles": f"{low:.2f} to {high:.2f}",
        "pages/s": median(turn.per_second for turn in turns),
        "p50 ms": median(turn.p50 for turn in turns),
    }


async def load(site: Site, session: str, clients: int = CLIENTS, count: int = PAGES) -> Figures:
    """Have ``clients`` of one person ask for the home page, ``count`` times in all."""
    visitors = [site.client(session) for _ in range(clients)]
    await ask(visitors, clients)  # so that connections and threads are there
    used, began = site.process.cpu_seconds(), time.perf_counter()
    milliseconds = await ask(visitors, count)
    seconds = time.perf_counter() - began
    cpu = 1000 * (site.process.cpu_seconds() - used) / count
    for visitor in visitors:
        visitor.close()
    return Figures(cpu, count / seconds, median(milliseconds))


async def ask(visitors: list[Client], count: int) -> list[float]:
    """The milliseconds of each answer."""
    left = iter(range(count))
    found = await asyncio.gather(*(ask_until_none_is_left(visitor, left) for visitor in visitors))
    return [milliseconds for each in found for milliseconds in each]


async def ask_until_none_is_left(visitor: Client, left: Iterator[int]) -> list[float]:
    """The milliseconds of each answer; RuntimeError if one is not complete, or no success."""
    found = []
    for _ in left:
        sent = time.perf_counter()
        answer = await visitor.get("/")
        if (answer.outcome, answer.status) != (Outcome.COMPLETE, 200):
            raise RuntimeError(f"{answer.outcome}, {answer.status}")
        found.append(1000 * (time.perf_counter() - sent))
    return found
