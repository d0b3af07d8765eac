"""The peak of memory and connections of a web process."""

import asyncio
from dataclasses import dataclass

from rehearsal.site import Site


@dataclass
class Peak:
    """The most that the processes of ``site`` were seen to take.

    ``ports`` are those of services, by name. Out: ``connections`` to each, and ``megabytes``.
    """

    site: Site
    ports: dict[str, int]

    def __post_init__(self):
        self.connections = dict.fromkeys(self.ports, 0)
        self.megabytes = 0.0

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(0.25)

    def look(self) -> None:
        for name in self.ports:
            self.connections[name] = max(self.connections[name], self.connections_to(name))
        self.megabytes = max(self.megabytes, self.site.process.memory())

    def connections_to(self, name: str) -> int:
        return self.site.process.connections_to(self.ports[name])
