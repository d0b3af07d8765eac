"""The heartbeat: every BEAT_SECONDS a process checks all of its WebSockets.

One query finds the sessions that have ended, one the accounts that have changed, however many
WebSockets there are.
"""

import asyncio
import contextvars
import logging
import random

from channels.db import database_sync_to_async

from paas.asgi.close_codes import LOGGED_OUT, NO_ANSWER
from paas.asgi.sessions import changed_accounts, ended_sessions

BEAT_SECONDS = 15
# Seconds. send() may wait for a client that reads nothing; the next beat must not.
BEAT_TIMEOUT = 5

logger = logging.getLogger(__name__)


class Heartbeat:
    """Runs while a ``SessionConsumer`` has joined."""

    def __init__(self):
        self.consumers = set()
        self.task = None

    def join(self, consumer) -> None:
        self.consumers.add(consumer)
        if self.task is None or self.task.done():
            # An empty context: its log lines do not belong to the WebSocket that starts it.
            self.task = asyncio.create_task(self.run(), context=contextvars.Context())

    def leave(self, consumer) -> None:
        self.consumers.discard(consumer)
        if not self.consumers and self.task:
            self.task.cancel()
            self.task = None

    async def run(self) -> None:
        while self.consumers:
            # Random, so that processes which started together do not query together.
            await asyncio.sleep(BEAT_SECONDS * random.uniform(0.9, 1.1))
            await self.beat()

    async def beat(self) -> None:
        """Ping every client; close WebSockets whose session ended or whose client is silent."""
        consumers = list(self.consumers)
        try:
            ended, changed = await self.find_ended(consumers)
        except Exception:
            logger.exception("The database is unavailable: WebSockets stay open until it is back.")
            ended, changed = set(), set()
        lost = await self.call_classes(consumers)
        work = []
        for consumer in consumers:
            if consumer.session in ended or consumer.account in changed:
                one = self.drop(consumer, LOGGED_OUT)
            elif consumer in lost or consumer.unanswered_pings > 1:
                one = self.drop(consumer, NO_ANSWER)
            else:
                one = consumer.ping()
            work.append(asyncio.wait_for(one, BEAT_TIMEOUT))
        for result in await asyncio.gather(*work, return_exceptions=True):
            # TimeoutError: a client that reads nothing answers no ping, and is closed later.
            if isinstance(result, Exception) and not isinstance(result, TimeoutError):
                logger.warning("A heartbeat could not be sent: %r", result)

    @database_sync_to_async
    def find_ended(self, consumers: list) -> tuple[set, set]:
        """Return the sessions that have ended, and the accounts that have changed."""
        sessions = {consumer.session for consumer in consumers}
        accounts = {consumer.account for consumer in consumers}
        return ended_sessions(sessions), changed_accounts(accounts)

    async def call_classes(self, consumers: list) -> set:
        """Call ``on_heartbeat()`` of each consumer class; return the consumers to close."""
        lost = set()
        for consumer_class in {type(consumer) for consumer in consumers}:
            own = [each for each in consumers if type(each) is consumer_class]
            alive = [each for each in own if not each.unanswered_pings]
            try:
                async with asyncio.timeout(BEAT_SECONDS):
                    lost |= await consumer_class.on_heartbeat(alive)
            except Exception:
                # An error of one class must not keep the others from being called.
                logger.exception("%s.on_heartbeat() failed.", consumer_class.__name__)
        return lost

    async def drop(self, consumer, code: int) -> None:
        self.consumers.discard(consumer)
        await consumer.close(code)


HEARTBEAT = Heartbeat()
