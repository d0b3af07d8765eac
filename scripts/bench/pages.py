"""Pages asked for by many clients at once."""

import asyncio
import statistics
import time
from collections.abc import Iterable
from typing import NamedTuple

from harness.site import Site
from rehearsal.load import Client, Outcome

CLIENTS = 32
WARM_UP_SECONDS = 0.5
SECONDS = 1


class Figures(NamedTuple):
    """Answers in a second, the milliseconds of CPU that the server's processes took for each, and
    how many milliseconds half of them and 99 % of them took at most.
    """

    per_second: float
    cpu: float
    p50: float
    p99: float


async def load(site: Site, session: str, path: str, count: int = CLIENTS) -> Figures:
    """Have ``count`` clients of one person ask for ``path`` again and again. Raises RuntimeError if
    an answer is not complete, or no success.
    """
    clients = [site.client(session) for _ in range(count)]
    began = time.perf_counter() + WARM_UP_SECONDS
    using = asyncio.create_task(cpu_used(site, began))
    asking = [ask(client, path, began) for client in clients]
    milliseconds = [found for each in await asyncio.gather(*asking) for found in each]
    for client in clients:
        client.close()
    cpu = 1000 * await using / len(milliseconds)
    return Figures(len(milliseconds) / SECONDS, cpu, *spread(milliseconds))


async def cpu_used(site: Site, began: float) -> float:
    """Seconds of CPU that the site's processes use in the SECONDS after ``began``."""
    used = []
    for moment in (began, began + SECONDS):
        await asyncio.sleep(moment - time.perf_counter())
        times = [process.cpu_times() for process in site.process.everyone()]
        used.append(sum(each.user + each.system for each in times))
    return used[1] - used[0]


async def ask(client: Client, path: str, began: float) -> list[float]:
    """Milliseconds of each answer that came in the SECONDS after ``began``."""
    found = []
    while (sent := time.perf_counter()) < began + SECONDS:
        answer = await client.get(path)
        if (answer.outcome, answer.status) != (Outcome.COMPLETE, 200):
            raise RuntimeError(f"{path}: {answer.outcome}, {answer.status}")
        if began <= (now := time.perf_counter()) < began + SECONDS:
            found.append(1000 * (now - sent))
    return found


def spread(milliseconds: list[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    p99 = statistics.quantiles(milliseconds, n=100, method="inclusive")[98]
    return statistics.median(milliseconds), p99


def medians(rounds: Iterable[Figures]) -> Figures:
    return Figures(*map(statistics.median, zip(*rounds, strict=True)))
