"""Pages of who is online, open at once."""

import asyncio
import time

from rehearsal.site import Site
from rehearsal.sockets import TimedCrowd
from scripts.bench.pages import spread
from scripts.bench.tables import Row

STEPS = (100, 500, 1000)
ROUNDS = 5


async def measure(site: Site, sessions: list[str]) -> list[Row]:
    """A row for each number of open pages."""
    crowd, rows = TimedCrowd(site.platform.host, site.port), []
    *people, newcomer = sessions
    before = site.process.memory()
    for count in STEPS:
        missing = count - len(crowd.sockets)
        started = time.perf_counter()
        await crowd.open_many(people, missing)
        rate = missing / (time.perf_counter() - started)
        await asyncio.sleep(2)
        size = (site.process.memory() - before) * 1000 / count
        fan_out = []
        for _ in range(ROUNDS):
            fan_out += await crowd.time("came online", count, lambda: crowd.open(newcomer))
            await crowd.time("went offline", count, crowd.sockets[-1].close)
        p50, p99 = spread(fan_out)
        figures: Row = {"sockets": f"{count:,}", "opened/s": rate, "kB each": size}
        rows.append(figures | {"fan-out p50 ms": p50, "fan-out p99 ms": p99})
    await crowd.leave()
    return rows
