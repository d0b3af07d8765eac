import json

from channels.db import database_sync_to_async

from paas.asgi.close_codes import TOO_MANY
from paas.asgi.consumers import SessionConsumer
from paas.presence import models


class PresenceConsumer(SessionConsumer):
    """A WebSocket whose user is online while it is open.

    It sends ``snapshot()`` when it opens. Changes since then a subclass sends with
    ``send_change()``. Redis may lose a change, so each heartbeat sends the snapshot again, unless
    the last one sent the same snapshot and no change came since.
    """

    # Clients send ``{"type": "pong"}`` only; a subclass that receives more raises these.
    max_message_size = 64
    max_messages = 10
    # Open WebSockets of one user.
    max_websockets = 20

    row: models.OpenWebSocket | None = None
    # snapshot() as JSON at the last heartbeat; None before the first, or if it failed.
    beat_snapshot: str | None = None
    # The last snapshot that a heartbeat sent to this page; None once a change has followed.
    sent_snapshot: str | None = None

    # For subclasses to override.

    @classmethod
    def snapshot(cls) -> dict:
        """Return the message that shows the present state; it may query the database."""
        raise NotImplementedError

    async def came_online(self, user) -> None:
        """Called when the first WebSocket of the user has opened."""

    async def went_offline(self, user) -> None:
        """Called when the last WebSocket of the user has closed."""

    # The implementation. If you override a method, call super().

    async def send_change(self, message: dict) -> None:
        """Send a message that changes what the last snapshot has shown."""
        self.sent_snapshot = None
        await self.send_json(message)

    async def on_open(self):
        user, session_key = self.scope["user"], self.session[0]
        add = database_sync_to_async(models.add)
        self.row, was_offline = await add(user, session_key, self.max_websockets)
        if self.row is None:
            await self.close(TOO_MANY)
            return
        await self.send_json(await database_sync_to_async(self.snapshot)())
        if was_offline:
            await self.came_online(user)

    async def on_close(self):
        row, self.row = self.row, None
        if row is None:
            return
        if user := await database_sync_to_async(models.remove)(row):
            await self.went_offline(user)

    @classmethod
    async def on_heartbeat(cls, alive):
        cls.beat_snapshot = None
        websockets = {each.row: each for each in alive if each.row}
        deleted, cls.beat_snapshot = await cls.synchronize(list(websockets))
        return {websockets[row] for row in deleted}

    @classmethod
    @database_sync_to_async
    def synchronize(cls, rows: list[models.OpenWebSocket]) -> tuple[set[models.OpenWebSocket], str]:
        """Renew the rows and delete expired ones.

        Returns those that had been deleted before, and snapshot() as JSON.
        """
        deleted = models.OpenWebSocket.objects.renew(rows)
        models.OpenWebSocket.objects.expired().delete()
        return deleted, json.dumps(cls.snapshot())

    async def ping(self):
        if self.beat_snapshot is not None and self.beat_snapshot != self.sent_snapshot:
            self.sent_snapshot = self.beat_snapshot
            await self.send(text_data=self.beat_snapshot)
        await super().ping()
