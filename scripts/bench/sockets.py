"""Pages of who is online, open at once."""

import asyncio
import time
from collections.abc import Callable
from functools import partial

from scripts.bench.pages import spread
from scripts.bench.tables import Row
from tests.harness.site import Site
from tests.harness.sockets import TimedSocketClients

STEPS = (100, 500, 1000)
ROUNDS = 5  # of a login as well: no more than MAX_MESSAGES of paas/presence/limits.py


async def measure(site: Site, sessions: list[str], count_redis: Callable[[], int]) -> list[Row]:
    """A row for each number of open pages."""
    clients, rows = TimedSocketClients(site.platform.host, site.port), []
    *people, newcomer = sessions
    before = site.process.memory()
    for count in STEPS:
        missing = count - len(clients.sockets)
        started = time.perf_counter()
        await clients.open_many(people, missing)
        rate = missing / (time.perf_counter() - started)
        await asyncio.sleep(2)
        row: Row = {"sockets": f"{count:,}", "opened/s": rate}
        row["kB each"] = (site.process.memory() - before) * 1000 / count
        row["Redis connections"] = str(count_redis())
        for name, figures in (
            ("fan-out", await fan_out(clients, count, newcomer)),
            ("login", await log_ins(clients, count, site)),
        ):
            row[f"{name} p50 ms"], row[f"{name} p99 ms"] = spread(figures)
        rows.append(row)
    await clients.leave()
    return rows


async def fan_out(clients: TimedSocketClients, count: int, newcomer: str) -> list[float]:
    """Milliseconds until each page shows that someone came online."""
    figures = []
    for _ in range(ROUNDS):
        figures += await clients.time("came online", count, lambda: clients.open(newcomer))
        await clients.time("went offline", count, clients.sockets[-1].close)
    return figures


async def log_ins(clients: TimedSocketClients, count: int, site: Site) -> list[float]:
    """Milliseconds until each page shows that someone logged in, their two requests included."""
    name = f"visitor{count}"
    with site.visitor() as visitor:
        await asyncio.to_thread(visitor.sign_up, name)
    act = partial(asyncio.to_thread, log_in, site, name)
    return [found for _ in range(ROUNDS) for found in await clients.time("logged in", count, act)]


def log_in(site: Site, name: str) -> None:
    with site.visitor() as visitor:
        visitor.log_in(name)
