"""Clients of the presence page's WebSocket."""

import json
import socket
import time

from websockets.sync.client import ClientConnection, connect

from rehearsal.site import Site, Visitor

PATH = "/ws/presence/"


def open_socket(
    site: Site, visitor: Visitor | None = None, path=PATH, **options
) -> ClientConnection:
    """Open a WebSocket as the visitor's browser does, or as a stranger's; ``options`` go to
    ``websockets``. Raises InvalidStatus if the handshake is refused.
    """
    headers = {"X-Forwarded-Proto": "https", **options.pop("headers", {})}
    if visitor:
        headers["Cookie"] = f"sessionid={visitor.cookies['sessionid']}"
    return connect(
        f"ws://{site.platform.host}{path}",
        sock=socket.create_connection(("127.0.0.1", site.port)),
        origin=options.pop("origin", f"https://{site.platform.host}"),
        additional_headers=headers,
        **options,
    )


def hear(client: ClientConnection, wanted, seconds: float = 10) -> dict:
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
    raise AssertionError(f"nothing of the kind in {seconds} s, but {others}")


def is_change(name: str, what: str):
    return lambda message: (message.get("name"), message.get("what")) == (name, what)


def shows(name: str, online: bool):
    """Whether a message says that the person is online, or not: a change or the whole list."""

    def wanted(message: dict) -> bool:
        people = message.get("people") or [message]
        return any((one.get("name"), one.get("online")) == (name, online) for one in people)

    return wanted
