"""Pages of who is online, open at once."""

import asyncio
from statistics import median, quantiles

from scripts.bench.servers import Row, Server
from tests.harness.site import Site
from tests.harness.sockets import TimedSocketClients

STEPS = (100, 500, 1000)
ROUNDS = 5
NOTE = """\
Pages of who is online, of one process; fan-out is how long it takes until all of them show that someone came online."""


def measure(server: Server) -> list[Row]:
    """A row for each number of open pages."""
    with server.site() as site:
        return asyncio.run(open_more(server, site))


async def open_more(server: Server, site: Site) -> list[Row]:
    clients, rows = TimedSocketClients(site.platform.host, site.port), []
    *people, newcomer = server.sessions
    before = site.process.memory()
    for count in STEPS:
        await clients.open_many(people, count - len(clients.sockets))
        await asyncio.sleep(2)
        row: Row = {"server": server.title, "sockets": f"{count:,}"}
        row["kB each"] = (site.process.memory() - before) * 1000 / count
        row["Redis connections"] = str(server.services.redis_connections(site.process))
        figures = await fan_out(clients, count, newcomer)
        row["fan-out p50 ms"] = median(figures)
        row["fan-out p99 ms"] = quantiles(figures, n=100, method="inclusive")[98]
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
