"""Server-sent events, as browsers keep them open."""

import asyncio

from rehearse.load import Answer, Client, Outcome
from tests.harness.site import Site


class Streams:
    """Streams that are open at once, each on a connection of its own.

    Out: ``answers``, one for each stream that was opened, as far as it has come.
    """

    path = "/extra/events/"

    def __init__(self, port: int, headers: dict[str, str]):
        self.port, self.headers = port, headers
        self.answers: list[Answer] = []
        self.tasks: list[asyncio.Task[Answer]] = []

    @classmethod
    def of(cls, site: Site) -> "Streams":
        """Streams of ``site``, without a router before it."""
        return cls(site.port, {"Host": site.platform.host, "X-Forwarded-Proto": "https"})

    async def open(self, count: int, seconds: float = 30) -> None:
        """Open ``count`` more; TimeoutError unless all have received an event in ``seconds``."""
        for _ in range(count):
            self.tasks.append(asyncio.create_task(self.read()))
        async with asyncio.timeout(seconds):
            while self.open_now() < len(self.tasks):
                await asyncio.sleep(0.02)

    async def read(self) -> Answer:
        """Open a stream and read it to its end."""
        answer, client = Answer(), Client(self.port, self.headers, seconds=600)
        self.answers.append(answer)
        await client.get(self.path, answer)
        client.close()
        return answer

    def open_now(self) -> int:
        """How many have received an event and not ended: their outcome is CUT_OFF so far."""
        return sum(a.outcome is Outcome.CUT_OFF and bool(a.body) for a in self.answers)

    async def close(self) -> None:
        """Disconnect all clients."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
