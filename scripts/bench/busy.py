"""The home page for one visitor, while other clients hold streams open or wait for views."""

import asyncio
from collections.abc import Callable
from statistics import median

from scripts.bench import pages
from scripts.bench.tables import Row
from tests.harness.site import Site
from tests.harness.streams import Streams

ROUNDS = 3
PAGES = 300
STREAMS = 500
WAITING = 200
WAIT_SECONDS = 5


async def measure(site: Site, session: str, count_connections: Callable[[], int]) -> Row:
    """The figures without load and beside each kind of it, in turns; the ratios in each turn; the
    maximum of ``count_connections()`` meanwhile.
    """
    most = [0]
    watching = asyncio.create_task(watch(count_connections, most))
    ways = {
        "unloaded": load,
        f"{STREAMS} streams": beside_streams,
        f"{WAITING} waiting": beside_views,
    }
    rounds = [{name: await way(site, session) for name, way in ways.items()} for _ in range(ROUNDS)]
    watching.cancel()
    row: Row = {}
    for name in ways:
        row[f"{name}: p50 ms"] = median(found[name].p50 for found in rounds)
        row[f"{name}: p99 ms"] = median(found[name].p99 for found in rounds)
        if name != "unloaded":
            ratios = [found[name].p50 / found["unloaded"].p50 for found in rounds]
            row[f"{name}: p50 ratio"] = median(ratios)
    return row | {"PostgreSQL": str(most[0])}


async def load(site: Site, session: str) -> pages.Figures:
    return await pages.load(site, session, clients=1, count=PAGES)


async def beside_streams(site: Site, session: str) -> pages.Figures:
    streams = Streams(site.port, dict(site.client(session).headers))
    await streams.open(STREAMS)
    figures = await load(site, session)
    if streams.open_now() < STREAMS:
        raise RuntimeError(f"{STREAMS - streams.open_now()} streams ended")
    await streams.close()
    return figures


async def beside_views(site: Site, session: str) -> pages.Figures:
    clients = [site.client(session) for _ in range(WAITING)]
    path = f"/extra/wait/?seconds={WAIT_SECONDS}"
    waiting = [asyncio.create_task(client.get(path)) for client in clients]
    await asyncio.sleep(1.5)
    figures = await load(site, session)
    if any(task.done() for task in waiting):
        raise RuntimeError("views that should wait were answered before the page was")
    if {answer.status for answer in await asyncio.gather(*waiting)} != {200}:
        raise RuntimeError("views that should wait failed")
    for client in clients:
        client.close()
    return figures


async def watch(count_connections: Callable[[], int], most: list[int]) -> None:
    while True:
        most[0] = max(most[0], await asyncio.to_thread(count_connections))
        await asyncio.sleep(0.5)
