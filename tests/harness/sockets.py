"""Clients of the presence page's WebSocket."""

import asyncio
import itertools
import json
import socket
import time
from contextlib import suppress

from websockets import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.asyncio.client import ClientConnection as AsyncConnection
from websockets.asyncio.client import connect as connect_async
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.harness.site import CSRF_COOKIE, Site, Visitor, session_cookie
from tests.harness.waiting import SECONDS

PATH = "/ws/presence/"


def open_socket(
    site: Site, visitor: Visitor | None = None, path=PATH, **options
) -> ClientConnection:
    """Open a WebSocket as the visitor's browser does, or without a session.

    ``options``: ``host``, ``port`` and ``origin`` replace the site's, ``headers`` are added, and
    others go to ``websockets``. Raises InvalidStatus if the handshake is rejected.
    """
    headers = {"X-Forwarded-Proto": "https", **options.pop("headers", {})}
    if visitor:
        headers |= session_cookie(visitor.session)
    return connect(
        f"ws://{options.pop('host', site.platform.host)}{path}",
        sock=socket.create_connection(("127.0.0.1", options.pop("port", site.port))),
        origin=options.pop("origin", f"https://{site.platform.host}"),
        additional_headers=headers,
        # Otherwise the result would have to be entered as a context manager.
        legacy=True,
        # The library's own pings would close the socket of a site that is slow to answer them.
        **{"open_timeout": SECONDS, "ping_interval": None, **options},
    )


def rejection_status(site: Site, *arguments, **options) -> int:
    """The HTTP status of a rejected handshake; AssertionError if it is accepted."""
    try:
        open_socket(site, *arguments, **options).close()
    except InvalidStatus as rejected:
        return rejected.response.status_code
    raise AssertionError("the handshake was accepted")


def get_ticket(visitor: Visitor) -> dict:
    """Get a ticket as the visitor; returns the options of open_socket() that present it."""
    visitor.headers["X-CSRFToken"] = visitor.cookies[CSRF_COOKIE]
    ticket = visitor.post("/ticket/").json()["ticket"]
    return {"origin": None, "headers": {"Authorization": f"Ticket {ticket}"}}


def receive_until(client: ClientConnection, wanted, seconds: float = SECONDS) -> dict:
    """Answer pings until a message comes for which ``wanted`` is true, and return it.

    Raises AssertionError if none comes in ``seconds``.
    """
    deadline, others = time.monotonic() + seconds, []
    while (left := deadline - time.monotonic()) > 0:
        try:
            message = json.loads(client.recv(timeout=left))
        except TimeoutError:
            break
        if message["type"] == "ping":
            client.send('{"type": "pong"}')
        if wanted(message):
            return message
        others.append(message)
    raise AssertionError(f"timed out after {seconds} s waiting for a message; received {others}")


def close_code(client: ClientConnection) -> int:
    """Answer pings until the site closes the socket; returns the close code."""
    with suppress(ConnectionClosed):
        receive_until(client, lambda message: False)
    return client.close_code


def is_change(name: str, what: str):
    return lambda message: (message.get("name"), message.get("what")) == (name, what)


def shows(name: str, online: bool):
    """Whether a message says that the person is online, or not: a change or the whole list."""

    def wanted(message: dict) -> bool:
        people = message.get("people") or [message]
        return any((one.get("name"), one.get("online")) == (name, online) for one in people)

    return wanted


class SocketClients:
    """Many WebSockets of the presence page in one event loop; they answer pings.

    In: the site's host name, and the port to connect to on 127.0.0.1. Out: ``sockets``, those that
    are open, and ``codes``, the close codes of the others.
    """

    def __init__(self, host: str, port: int):
        self.host, self.port = host, port
        self.sockets: list[AsyncConnection] = []
        self.codes: list[int] = []
        self._tasks: list[asyncio.Task] = []

    async def open(self, session: str) -> AsyncConnection:
        """Open a WebSocket with the session of that key, and return it."""
        socket = await connect_async(
            f"ws://{self.host}{PATH}",
            host="127.0.0.1",
            port=self.port,
            origin=Origin(f"https://{self.host}"),
            additional_headers={"X-Forwarded-Proto": "https", **session_cookie(session)},
            ping_interval=None,
            open_timeout=30,
        )
        self.sockets.append(socket)
        self._tasks.append(asyncio.create_task(self._listen(socket)))
        return socket

    async def open_many(self, sessions: list[str], count: int) -> None:
        """Open ``count`` WebSockets, of each session in turn, no more than fifty at a time."""
        for batch in itertools.batched(itertools.islice(itertools.cycle(sessions), count), 50):
            await asyncio.gather(*map(self.open, batch))

    async def stay(self, session: str) -> None:
        """Keep a WebSocket open until cancelled: reopen a closed one, as the page's script does."""
        while True:
            with suppress(OSError, InvalidHandshake):
                socket = await self.open(session)
                await socket.wait_closed()
            await asyncio.sleep(0.5)

    async def _listen(self, socket: AsyncConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "ping":
                    await socket.send('{"type": "pong"}')
        self.sockets.remove(socket)
        self.codes.append(socket.close_code)

    async def leave(self) -> None:
        """Close every WebSocket."""
        await asyncio.gather(*(socket.close() for socket in self.sockets))
        await asyncio.gather(*self._tasks)
