"""The heartbeat of a server process: one for all of its sockets."""

import asyncio
import contextvars
import logging
import random

from channels.db import database_sync_to_async

from presence.models import BEAT_SECONDS, Connection
from presence.services import ended_sessions, people_message, renew

logger = logging.getLogger(__name__)

# A consumer that takes longer than this to send has a client that reads nothing. More than 5:
# Gunicorn's close() waits so long for the client's close frame before it closes the connection.
SEND_SECONDS = 6


class Heartbeat:
    """Beats while any consumer has joined. A consumer has a ``connection``; a ``session``, its key
    and its user's id, in memory only; ``missed``, how many pings it has sent since its client last
    answered; and the coroutines ``send(text_data)``, ``ping()``, ``close_logged_out()`` and
    ``close_unresponsive()``.
    """

    def __init__(self):
        self.consumers = set()
        self.people = None
        self.task = None

    def join(self, consumer) -> None:
        self.consumers.add(consumer)
        if self.task is None or self.task.done():
            # What it logs has nothing to do with the socket that happens to start it.
            blank = contextvars.Context()
            self.task = asyncio.create_task(self.run(), context=blank)

    def leave(self, consumer) -> None:
        self.consumers.discard(consumer)
        if not self.consumers and self.task:
            self.task.cancel()
            self.task = None

    async def run(self) -> None:
        while self.consumers:
            # Processes that were started together need not ask the database together.
            await asyncio.sleep(BEAT_SECONDS * random.uniform(0.9, 1.1))  # noqa: S311
            await self.beat()

    async def beat(self) -> None:
        connections = {consumer: consumer.connection for consumer in self.consumers}
        sessions = {consumer.session for consumer in connections}
        answered = [connections[consumer] for consumer in connections if not consumer.missed]
        try:
            ended, lost, people = await self.synchronize(sessions, answered)
        except Exception:
            logger.exception("The database is away: who is online is not known, nor changed.")
            ended, lost, people = set(), set(), self.people
        news = people if people != self.people else None
        self.people = people
        work = []
        for consumer, connection in connections.items():
            if consumer.session in ended:
                one = self.drop(consumer, consumer.close_logged_out)
            elif connection in lost or consumer.missed > 1:
                one = self.drop(consumer, consumer.close_unresponsive)
            else:
                one = self.ping_one(consumer, news)
            work.append(asyncio.wait_for(one, SEND_SECONDS))
        for result in await asyncio.gather(*work, return_exceptions=True):
            # Whoever reads nothing misses the next pings, and is dropped then.
            if isinstance(result, Exception) and not isinstance(result, TimeoutError):
                logger.warning("A beat did not reach a page: %r", result)

    async def ping_one(self, consumer, news: str | None) -> None:
        """Ping the consumer's client, after telling it the news if there are any."""
        if news is not None:
            await consumer.send(text_data=news)
        await consumer.ping()

    async def drop(self, consumer, close) -> None:
        self.consumers.discard(consumer)
        await close()

    @database_sync_to_async
    def synchronize(
        self, sessions: set[tuple[str, int]], connections: list[Connection]
    ) -> tuple[set, set, str]:
        """Renew the connections and delete what has expired. Returns the sessions that have ended,
        the connections that were not renewed, and the message that tells of everyone.
        """
        ended, lost = ended_sessions(sessions), renew(connections)
        Connection.objects.expired().delete()
        return ended, lost, people_message()


HEARTBEAT = Heartbeat()
