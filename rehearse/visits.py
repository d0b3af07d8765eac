"""Visitors of any web process: clients that ask for pages again and again. Each request is recorded."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from rehearse.findings import Sample
from rehearse.load import Answer, Client, Outcome


def is_lost(answer: Answer) -> bool:
    """Whether a visitor sees an error: no complete response, or one of 500 or more.

    400 counts too: Django's answer to a host that is not in ALLOWED_HOSTS.
    """
    is_error = answer.status is None or answer.status >= 500 or answer.status == 400
    return answer.outcome is not Outcome.COMPLETE or is_error


def described(answer: Answer) -> str:
    return str(answer.status) if answer.outcome is Outcome.COMPLETE else str(answer.outcome)


class Visits:
    """Requests of many clients for ``paths``; ``samples`` has each, ``lost`` how many ended how.

    A request on a connection that the server had closed while idle was not sent, and does not
    count: clients and routers then make a new connection.
    """

    def __init__(self, paths: list[str], started: float):
        self.paths, self.started = paths, started
        self.samples: list[Sample] = []
        self.lost: Counter[str] = Counter()
        self.over = asyncio.Event()

    async def get(self, client: Client, path: str) -> Answer:
        sent = time.monotonic()
        answer = await client.get(path)
        if answer.outcome is not Outcome.NOT_SENT:
            took = (time.monotonic() - sent) * 1000
            lost = is_lost(answer)
            self.samples.append(Sample(sent - self.started, took, lost))
            if lost:
                self.lost[f"{path}: {described(answer)}"] += 1
        return answer

    async def ask_on(self, client: Client, pause: float = 0) -> None:
        """Ask for the paths in turn until ``over`` is set."""
        for path in itertools.cycle(self.paths):
            answer = await self.get(client, path)
            if self.over.is_set():
                break
            # A refused connection takes no time, and must not fill the list.
            await asyncio.sleep(pause or (0.05 if answer.outcome is Outcome.REFUSED else 0))
        client.close()

    @asynccontextmanager
    async def coming(self, clients: Iterable[Client], pause: float = 0) -> AsyncIterator[None]:
        """The clients ask for the paths in turn until the block ends."""
        asking = [asyncio.create_task(self.ask_on(client, pause)) for client in clients]
        yield
        self.over.set()
        await asyncio.gather(*asking)

    def percentile(self, percent: int) -> float:
        """Of the milliseconds that answered requests took."""
        times = sorted(one.milliseconds for one in self.samples if not one.is_lost)
        return times[len(times) * percent // 100] if times else 0

    def worst(self, count: int = 3) -> str:
        """How most lost requests ended."""
        return ", ".join(f"{how} ({number})" for how, number in self.lost.most_common(count))
