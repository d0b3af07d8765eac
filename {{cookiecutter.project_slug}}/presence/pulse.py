"""The heartbeat of a server process: one for all of its sockets."""

import asyncio
import logging
import random

from channels.db import database_sync_to_async

from presence.models import BEAT_SECONDS, Connection
from presence.people import everyone, renew

logger = logging.getLogger(__name__)


# A consumer that takes longer than this to send has a client that reads nothing.
SEND_SECONDS = 5


class Pulse:
    """Beats while any consumer has joined. A consumer has a ``connection``; ``missed``, how many
    pings it has sent since its client last answered; and the coroutines ``ping()``,
    ``tell_everyone(people)`` and ``give_up()``.
    """

    def __init__(self):
        self.consumers = set()
        self.people = None
        self.task = None

    def join(self, consumer) -> None:
        self.consumers.add(consumer)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self.beat_for_ever())

    def leave(self, consumer) -> None:
        self.consumers.discard(consumer)
        if not self.consumers and self.task:
            self.task.cancel()
            self.task = None

    async def beat_for_ever(self) -> None:
        while self.consumers:
            # Processes that were started together need not ask the database together.
            await asyncio.sleep(BEAT_SECONDS * random.uniform(0.9, 1.1))  # noqa: S311
            try:
                await self.beat()
            except Exception:
                logger.exception("A beat failed; the next one makes up for it.")

    async def beat(self) -> None:
        consumers = list(self.consumers)
        alive = [consumer.connection for consumer in consumers if not consumer.missed]
        renewed, people = await self.synchronize(alive)
        changed, self.people = people != self.people, people
        await asyncio.gather(
            *(self.attend(consumer, renewed, people if changed else None) for consumer in consumers)
        )

    async def attend(self, consumer, renewed: set, people: list[dict] | None) -> None:
        """Ping the consumer's client, after telling it of ``people`` if given, or give it up."""
        going_on = consumer.connection.pk in renewed or consumer.missed == 1
        try:
            async with asyncio.timeout(SEND_SECONDS):
                if not going_on:
                    self.consumers.discard(consumer)
                    await consumer.give_up()
                    return
                if people is not None:
                    await consumer.tell_everyone(people)
                await consumer.ping()
        except Exception:
            # Its client is as good as gone: it will miss the next beats, or has left already.
            logger.debug("A beat did not reach its client.", exc_info=True)
            consumer.missed += 1

    @database_sync_to_async
    def synchronize(self, connections: list[Connection]) -> tuple[set, list[dict]]:
        """Renew these and delete what has expired. Returns the keys of those renewed, and who is there."""
        renewed = renew(connections)
        Connection.objects.expired().delete()
        return renewed, everyone()


PULSE = Pulse()
