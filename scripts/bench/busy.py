"""The home page for one visitor, while other clients hold streams open or wait for views."""

import asyncio
import statistics
from collections.abc import Callable

from rehearsal.load import Client
from rehearsal.site import Site
from rehearsal.streams import Streams
from scripts.bench import pages
from scripts.bench.tables import Row

ROUNDS = 5
STREAMS = 500
WAITING = 200
WAIT_SECONDS = 5


class Busy:
    """A site; ``count_connections`` returns how many connections it has to PostgreSQL."""

    def __init__(self, site: Site, headers: dict[str, str], count_connections: Callable[[], int]):
        self.site, self.headers, self.count_connections = site, headers, count_connections
        self.most_connections = 0

    async def measure(self) -> Row:
        """The figures without load and with each kind of it, in turns; ratios of neighbours."""
        watching = asyncio.create_task(self.watch())
        rounds = [
            [await self.load(), await self.beside_streams(), await self.beside_waiting()]
            for _ in range(ROUNDS)
        ]
        watching.cancel()
        row: Row = {}
        names = ("unloaded", f"{STREAMS} streams", f"{WAITING} waiting")
        for number, name in enumerate(names):
            found = [figures[number] for figures in rounds]
            row[f"{name}: p50 ms"] = statistics.median(each.p50 for each in found)
            row[f"{name}: p99 ms"] = statistics.median(each.p99 for each in found)
            if number:
                ratios = [figures[number].p50 / figures[0].p50 for figures in rounds]
                row[f"{name}: p50 ratio"] = statistics.median(ratios)
        return row

    async def load(self) -> pages.Figures:
        return await pages.load(self.site, self.headers, "/", count=1)

    async def beside_streams(self) -> pages.Figures:
        streams = Streams(self.site.port, self.headers)
        await streams.open(STREAMS)
        figures = await self.load()
        if streams.open_now() < STREAMS:
            raise RuntimeError(f"{STREAMS - streams.open_now()} streams ended")
        await streams.close()
        return figures

    async def beside_waiting(self) -> pages.Figures:
        clients = [Client(self.site.port, self.headers) for _ in range(WAITING)]
        path = f"/extra/wait/?seconds={WAIT_SECONDS}"
        waiting = [asyncio.create_task(client.get(path)) for client in clients]
        await asyncio.sleep(1.5)
        figures = await self.load()
        if any(task.done() for task in waiting):
            raise RuntimeError("views that should wait were answered before the page was")
        if {answer.status for answer in await asyncio.gather(*waiting)} != {200}:
            raise RuntimeError("views that should wait failed")
        for client in clients:
            client.close()
        return figures

    async def watch(self) -> None:
        while True:
            found = await asyncio.to_thread(self.count_connections)
            self.most_connections = max(self.most_connections, found)
            await asyncio.sleep(0.5)
