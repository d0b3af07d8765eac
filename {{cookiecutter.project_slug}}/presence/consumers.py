from channels.db import database_sync_to_async
from paas.asgi.channel_layer import send_to_group
from paas.asgi.close_codes import TOO_MANY
from paas.asgi.consumers import SessionConsumer

from presence.models import Connection
from presence.services import connect, disconnect, people_message, renew
from presence.signals import EVERYONE, status_message


class PresenceConsumer(SessionConsumer):
    """The WebSocket of an open page.

    It sends ``everyone``, the whole list of users, when it opens, and ``change`` when one user's
    status changes. Redis may lose a change, so each heartbeat sends ``everyone`` again, unless the
    last one sent the same list and no change came since.
    """

    initial_groups = [EVERYONE]
    subprotocol = "presence"
    # The page sends ``{"type": "pong"}`` only.
    max_message_size = 64
    max_messages = 10

    connection: Connection | None = None
    # people_message() at the last heartbeat; None before the first, or if it failed.
    people: str | None = None
    # The last list that a heartbeat sent to this page; None once a change has followed.
    sent_people: str | None = None

    async def opened(self):
        user, session_key = self.scope["user"], self.session[0]
        self.connection, was_offline = await database_sync_to_async(connect)(user, session_key)
        if self.connection is None:
            await self.close(TOO_MANY)
            return
        await self.send(text_data=await database_sync_to_async(people_message)())
        if was_offline:
            await send_to_group(EVERYONE, status_message(user, True, "came online"))

    async def left(self):
        connection, self.connection = self.connection, None
        if connection is None:
            return
        user = await database_sync_to_async(disconnect)(connection)
        if user:
            await send_to_group(EVERYONE, status_message(user, False, "went offline"))

    @classmethod
    async def on_beat(cls, answering):
        cls.people = None
        connections = {each.connection: each for each in answering if each.connection}
        deleted, cls.people = await cls.synchronize(connections)
        return {connections[connection] for connection in deleted}

    @staticmethod
    @database_sync_to_async
    def synchronize(connections: dict) -> tuple[set[Connection], str]:
        """Renew the connections and delete expired ones.

        Returns those whose row was deleted before, and people_message().
        """
        deleted = renew(list(connections))
        Connection.objects.expired().delete()
        return deleted, people_message()

    async def ping(self):
        if self.people is not None and self.people != self.sent_people:
            self.sent_people = self.people
            await self.send(text_data=self.people)
        await super().ping()

    async def presence_change(self, message):
        """The handler of the channel layer's message ``presence.change``."""
        self.sent_people = None
        await self.send_json({"type": "change", **message["change"]})
