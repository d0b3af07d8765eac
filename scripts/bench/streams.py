"""The home page for one visitor, while other clients hold streams open."""

import asyncio
from statistics import median

from scripts.bench import pages
from scripts.bench.servers import Row, Server
from tests.harness.site import Site
from tests.harness.streams import Streams
from tests.harness.views import add_views

ROUNDS = 3
PAGES = 300
STREAMS = 500
NOTE = f"""\
The same page, asked for by one visitor {PAGES} times: alone, and while {STREAMS} streams of server-sent events are open.
One process; medians of {ROUNDS} turns, also of the ratio in each. The last column is the connections to PostgreSQL
beside streams."""


def measure(server: Server) -> Row:
    with server.site(**add_views(server.deployment)) as site:
        return {"server": server.title} | asyncio.run(compare(server, site))


async def compare(server: Server, site: Site) -> Row:
    alone, beside, connections = [], [], 0
    session = server.sessions[0]
    for _ in range(ROUNDS):
        alone.append((await load(site, session)).p50)
        streams = Streams(site.port, dict(site.client(session).headers))
        await streams.open(STREAMS)
        beside.append((await load(site, session)).p50)
        connections = max(connections, server.services.postgres.connections(server.database))
        if streams.open_now() < STREAMS:
            raise RuntimeError(f"{STREAMS - streams.open_now()} streams ended")
        await streams.close()
    return {
        "alone: p50 ms": median(alone),
        f"{STREAMS} streams: p50 ms": median(beside),
        "ratio": median(one / other for one, other in zip(beside, alone, strict=True)),
        "PostgreSQL": str(connections),
    }


async def load(site: Site, session: str) -> pages.Figures:
    return await pages.load(site, session, clients=1, count=PAGES)
