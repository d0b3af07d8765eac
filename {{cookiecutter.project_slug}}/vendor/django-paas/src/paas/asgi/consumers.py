"""The base class of WebSocket consumers: login, end of session, heartbeat and message limits."""

import json

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from paas.asgi.close_codes import BAD_MESSAGE, LOGGED_OUT, MESSAGE_TOO_BIG, TOO_MANY
from paas.asgi.heartbeat import HEARTBEAT
from paas.asgi.sessions import ended_sessions, session_group


class SessionConsumer(AsyncJsonWebsocketConsumer):
    """A WebSocket for logged-in users, by session cookie or ticket (``tickets.py``).

    Other handshakes are rejected. The WebSocket closes when the session ends, and when two
    ``{"type": "ping"}``, one per heartbeat, have no answer: ``{"type": "pong"}``, or any message. In
    a subclass override what you need::

        class EchoConsumer(SessionConsumer):
            async def receive_json(self, content):
                await self.send_json(content)

    and route a URL to it: ``websocket_application([path("ws/echo/", EchoConsumer.as_asgi())])``.
    """

    # Groups of the channel layer to join.
    initial_groups: list[str] = []
    # Accepted if the client offers it.
    subprotocol: str | None = None
    # Limits for a client: characters per message, and messages between two heartbeats.
    max_message_size = 4096
    max_messages = 100

    # Pings since the client last sent something, and messages since the last ping.
    unanswered_pings = 0
    received = 0

    # For subclasses to override.

    async def on_open(self) -> None:
        """Called when the WebSocket is open; ``self.scope["user"]`` is the user."""

    async def receive_json(self, content) -> None:
        """Called with a message's JSON value. By default no message is allowed."""
        await self.close(BAD_MESSAGE)

    async def on_close(self) -> None:
        """Called at the end of every WebSocket, including those that never opened."""

    @classmethod
    async def on_heartbeat(cls, alive: list["SessionConsumer"]) -> set["SessionConsumer"]:
        """Called at each heartbeat with the consumers of this class whose client answers.

        Returns those to close with NO_ANSWER.
        """
        return set()

    # For subclasses to call.

    async def join(self, group: str) -> None:
        """Receive what is sent to this group of the channel layer, until the WebSocket closes.

        Its name has up to 99 ASCII letters, digits, hyphens, underscores and periods; another is a
        TypeError. ``initial_groups`` are joined before the WebSocket opens.
        """
        if group not in self.groups:
            await self.channel_layer.group_add(group, self.channel_name)
            self.groups.append(group)

    # The implementation. If you override a method, call super().

    async def __call__(self, scope, receive, send):
        try:
            await super().__call__(scope, receive, send)
        finally:
            # In any case: closed, cancelled when the server stops, or after an error.
            HEARTBEAT.leave(self)
            await self.on_close()

    async def connect(self):
        user = self.scope["user"]
        if not user.is_authenticated:
            await self.close(reason="not logged in")
            return
        # What ended_sessions() and changed_accounts() compare with the database.
        self.session = (self.scope["session"].session_key, user.pk)
        self.account = (user.pk, user.get_session_auth_hash())
        # Join before reading anything, so that no message is missed in between.
        self.groups = [*self.initial_groups, session_group(self.session[0])]
        for group in self.groups:
            await self.channel_layer.group_add(group, self.channel_name)
        # A logout before group_add() has closed the session's other WebSockets only.
        if await database_sync_to_async(ended_sessions)({self.session}):
            await self.close(reason="the session has ended")
            return
        offered = self.subprotocol in self.scope["subprotocols"]
        await self.accept(subprotocol=self.subprotocol if offered else None)
        HEARTBEAT.join(self)
        await self.on_open()

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        self.received += 1
        if len(text_data or bytes_data or "") > self.max_message_size:
            await self.close(MESSAGE_TOO_BIG)
            return
        if self.received > self.max_messages:
            await self.close(TOO_MANY)
            return
        try:
            content = json.loads(text_data or "")
            # Half of a surrogate pair, such as "\ud83d", is an error wherever it is sent or stored.
            json.dumps(content, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            content = None
        if content is None:
            await self.close(BAD_MESSAGE)
            return
        self.unanswered_pings = 0
        if content != {"type": "pong"}:
            await self.receive_json(content)

    async def ping(self) -> None:
        self.unanswered_pings += 1
        self.received = 0
        await self.send_json({"type": "ping"})

    async def session_logged_out(self, message=None) -> None:
        """Called for the channel layer's message ``session.logged_out``."""
        await self.close(LOGGED_OUT)
