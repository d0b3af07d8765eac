from channels.db import database_sync_to_async

from paas.asgi.channel_layer import send_to_group
from paas.asgi.consumers import TOO_MANY, SessionConsumer
from presence.models import Connection
from presence.services import connect, disconnect, people_message, renew
from presence.signals import EVERYONE, status_message


class PresenceConsumer(SessionConsumer):
    """An open page. It is sent ``everyone``, a list of all people, when it opens and when a
    heartbeat finds the list changed; and ``change``, about one of them.
    """

    groups = [EVERYONE]
    subprotocol = "presence"
    # The page sends ``{"type": "pong"}`` only.
    max_message_size = 64
    max_messages = 10

    connection: Connection | None = None
    # people_message() of the last heartbeat; and again, if it changed then.
    people: str | None = None
    news: str | None = None

    async def opened(self):
        user, session_key = self.scope["user"], self.session[0]
        self.connection, arrived = await database_sync_to_async(connect)(user, session_key)
        if self.connection is None:
            await self.close(TOO_MANY)
            return
        await self.send(text_data=await database_sync_to_async(people_message)())
        if arrived:
            await send_to_group(EVERYONE, status_message(user, True, "came online"))

    async def left(self):
        connection, self.connection = self.connection, None
        if connection and await database_sync_to_async(disconnect)(connection):
            await send_to_group(EVERYONE, status_message(connection.user, False, "went offline"))

    @classmethod
    async def on_beat(cls, answering):
        cls.news = None
        connections = {each.connection: each for each in answering if each.connection}
        lost, people = await cls.synchronize(connections)
        cls.news = people if people != cls.people else None
        cls.people = people
        return {connections[connection] for connection in lost}

    @staticmethod
    @database_sync_to_async
    def synchronize(connections: dict) -> tuple[set[Connection], str]:
        """Renew the connections and delete expired ones. Returns those that were not renewed, and
        people_message().
        """
        lost = renew(list(connections))
        Connection.objects.expired().delete()
        return lost, people_message()

    async def ping(self):
        if self.news is not None:
            await self.send(text_data=self.news)
        await super().ping()

    async def presence_change(self, message):
        """The handler of the channel layer's message ``presence.change``."""
        await self.send_json({"type": "change", **message["change"]})

    async def session_logged_out(self, message):
        # Without "went offline": broadcast_logout() in signals.py sends "logged out".
        connection, self.connection = self.connection, None
        await super().session_logged_out(message)
        if connection:
            await database_sync_to_async(disconnect)(connection)
