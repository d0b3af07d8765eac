"""Pages asked for by many clients at once."""

import asyncio
import statistics
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rehearse.load import Client, Outcome
from tests.harness.site import Site

CLIENTS = 32
PAGES = 320


class Figures(NamedTuple):
    """Answers in a second, the milliseconds of CPU that the server's processes took for each, and
    how many milliseconds half of them and 99 % of them took at most.
    """

    per_second: float
    cpu: float
    p50: float
    p99: float


async def load(site: Site, session: str, clients: int = CLIENTS, count: int = PAGES) -> Figures:
    """Have ``clients`` of one person ask for the home page, ``count`` times in all. Raises RuntimeError
    if an answer is not complete, or no success.
    """
    visitors = [site.client(session) for _ in range(clients)]
    await ask(visitors, clients)  # so that connections and threads are there
    used, began = site.process.cpu_seconds(), time.perf_counter()
    milliseconds = await ask(visitors, count)
    seconds = time.perf_counter() - began
    cpu = 1000 * (site.process.cpu_seconds() - used) / count
    for visitor in visitors:
        visitor.close()
    return Figures(count / seconds, cpu, *spread(milliseconds))


async def ask(visitors: list[Client], count: int) -> list[float]:
    """The milliseconds of each answer."""
    left = iter(range(count))
    found = await asyncio.gather(*(ask_until_none_is_left(visitor, left) for visitor in visitors))
    return [milliseconds for each in found for milliseconds in each]


async def ask_until_none_is_left(visitor: Client, left: Iterator[int]) -> list[float]:
    found = []
    for _ in left:
        sent = time.perf_counter()
        answer = await visitor.get("/")
        if (answer.outcome, answer.status) != (Outcome.COMPLETE, 200):
            raise RuntimeError(f"{answer.outcome}, {answer.status}")
        found.append(1000 * (time.perf_counter() - sent))
    return found


def spread(milliseconds: list[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    p99 = statistics.quantiles(milliseconds, n=100, method="inclusive")[98]
    return statistics.median(milliseconds), p99


def medians(turns: Iterable[Figures]) -> Figures:
    return Figures(*map(statistics.median, zip(*turns, strict=True)))
