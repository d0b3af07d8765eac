import json

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from presence.heartbeat import HEARTBEAT
from presence.services import (
    connect,
    disconnect,
    ended_sessions,
    people_message,
    session_digest,
)
from presence.signals import EVERYONE, send, session_group, status_message

SUBPROTOCOL = "presence"
# A client says only "pong", once a beat.
MAX_MESSAGE_SIZE = 64
MAX_MESSAGES = 10

# Why a socket was closed; Daphne lets an application choose from 4000 to 4999 only.
BAD_MESSAGE = 4400
LOGGED_OUT = 4401
NO_ANSWER = 4408
MESSAGE_TOO_BIG = 4413
TOO_MANY = 4429


class PresenceConsumer(AsyncJsonWebsocketConsumer):
    """One open page. It sends ``everyone``, all the people, once it is open and when a beat finds
    them changed; ``change``, about one of them; and ``ping``, which the page answers with
    ``{"type": "pong"}``.
    """

    connection = None
    missed = 0
    received = 0

    async def __call__(self, scope, receive, send):
        try:
            await super().__call__(scope, receive, send)
        finally:
            # However it ended: closed, cancelled when the server stops, or by an error.
            await self.leave()

    async def connect(self):
        user = self.scope["user"]
        if not user.is_authenticated:
            await self.close()
            return
        self.session = (self.scope["session"].session_key, user.pk)
        digest = session_digest(self.session[0])
        # Before the session and the list are read, so that no change is missed in between.
        self.groups = [EVERYONE, session_group(digest)]
        for group in self.groups:
            await self.channel_layer.group_add(group, self.channel_name)
        # A log-out before group_add() sent its message to the other sockets only.
        if await database_sync_to_async(ended_sessions)({self.session}):
            await self.close()
            return
        self.connection, arrived = await database_sync_to_async(connect)(user, digest)
        offered = SUBPROTOCOL in self.scope["subprotocols"]
        await self.accept(subprotocol=SUBPROTOCOL if offered else None)
        if self.connection is None:
            await self.close(TOO_MANY)
            return
        HEARTBEAT.join(self)
        await self.send(text_data=await database_sync_to_async(people_message)())
        if arrived:
            await send(EVERYONE, status_message(user, True, "came online"))

    async def leave(self) -> None:
        HEARTBEAT.leave(self)
        connection, self.connection = self.connection, None
        if connection and await database_sync_to_async(disconnect)(connection):
            await send(EVERYONE, status_message(connection.user, False, "went offline"))

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        self.received += 1
        if len(text_data or bytes_data or "") > MAX_MESSAGE_SIZE:
            await self.close(MESSAGE_TOO_BIG)
        elif self.received > MAX_MESSAGES or not is_pong(text_data):
            await self.close(BAD_MESSAGE)
        else:
            self.missed = 0

    async def presence_change(self, message):
        await self.send_json({"type": "change", **message["change"]})

    async def presence_logged_out(self, message):
        await self.close_logged_out()

    async def ping(self) -> None:
        self.missed += 1
        self.received = 0
        await self.send_json({"type": "ping"})

    async def close_logged_out(self) -> None:
        await self.close(LOGGED_OUT)

    async def close_unresponsive(self) -> None:
        await self.close(NO_ANSWER)


def is_pong(text: str | None) -> bool:
    try:
        return json.loads(text or "") == {"type": "pong"}
    except ValueError:
        return False
