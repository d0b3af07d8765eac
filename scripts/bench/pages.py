"""Pages asked for by many clients at once."""

import asyncio
import re
import statistics
import time
from typing import NamedTuple

from rehearsal.load import Client, Outcome

CLIENTS = 32
WARM_UP_SECONDS = 0.5
SECONDS = 1


class Figures(NamedTuple):
    """Answers in a second, and how many milliseconds half of them and 99 % of them took at most."""

    per_second: float
    p50: float
    p99: float


async def load(port: int, headers: dict[str, str], path: str) -> Figures:
    """Ask for ``path`` again and again. Raises RuntimeError at an answer that is not well."""
    clients = [Client(port, headers) for _ in range(CLIENTS)]
    began = time.perf_counter() + WARM_UP_SECONDS
    asking = [ask(client, path, began) for client in clients]
    milliseconds = [found for each in await asyncio.gather(*asking) for found in each]
    for client in clients:
        client.close()
    return Figures(len(milliseconds) / SECONDS, *spread(milliseconds))


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


def style_sheet(page: str) -> str:
    """The path of the page's style sheet."""
    match = re.search(r'href="(/static/[^"]+\.css)"', page)
    assert match, page
    return match[1]
