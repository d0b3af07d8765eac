"""Gunicorn's ASGI worker, which by itself waits for idle clients and open WebSockets to leave."""

import asyncio
import sys

from gunicorn.workers.gasgi import ASGIWorker

from config import drain


class Worker(ASGIWorker):
    def handle_exit_signal(self):
        super().handle_exit_signal()
        self.finishing = self.loop.create_task(self.finish())

    async def finish(self) -> None:
        # Gunicorn waits for connections to end, and for this as if it were one.
        self.nr_conns += 1
        # In the first half of that it goes on accepting.
        await asyncio.sleep(2 * drain.LINGER_SECONDS)
        await drain.finish()
        self.nr_conns -= 1
        if sys.version_info >= (3, 13):
            for server in self.servers:
                server.close_clients()
