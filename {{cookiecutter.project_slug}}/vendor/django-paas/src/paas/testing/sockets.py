"""A WebSocket client for tests of consumers."""

from typing import Any, ClassVar

from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.test import AsyncClient

from paas.asgi.heartbeat import HEARTBEAT

TIMEOUT = 10  # seconds


class Socket(WebsocketCommunicator):
    """A WebSocket to ``application`` with the session cookie of ``client`` and with ``headers``."""

    all: ClassVar[list["Socket"]] = []

    def __init__(
        self,
        application,
        path: str,
        client: AsyncClient | None = None,
        origin: str = "http://localhost",
        subprotocols: list[str] | None = None,
        **headers: str,
    ):
        headers = {"host": "localhost", "origin": origin, **headers}
        if client:
            headers["cookie"] = f"sessionid={client.cookies['sessionid'].value}"
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        super().__init__(application, path, raw, subprotocols)

    async def connect(self, timeout=TIMEOUT):
        self.all.append(self)
        return await super().connect(timeout)

    async def disconnect(self, code=1000, timeout=TIMEOUT):
        await super().disconnect(code, timeout)

    async def open(self):
        accepted, self.subprotocol = await self.connect()
        assert accepted
        return self

    async def receive(self, kind: str) -> dict[str, Any]:
        """Return the next message of that type; skip others."""
        while (message := await self.receive_json_from(TIMEOUT))["type"] != kind:
            pass
        return message

    async def close_code(self) -> int:
        while (output := await self.receive_output(TIMEOUT))["type"] != "websocket.close":
            pass
        return output["code"]


async def close_all() -> None:
    """Close each Socket, and end consumers that are still in the heartbeat."""
    while Socket.all:
        await Socket.all.pop().disconnect()
    for consumer in list(HEARTBEAT.consumers):
        HEARTBEAT.leave(consumer)


async def log_in(name: str) -> AsyncClient:
    client = AsyncClient()
    user, _ = await get_user_model().objects.aget_or_create(username=name)
    await client.aforce_login(user)
    return client
