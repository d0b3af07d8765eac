"""What every WebSocket passes before it reaches a consumer."""

import logging
from contextlib import suppress

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host
from redis import RedisError

logger = logging.getLogger(__name__)

TRY_AGAIN_LATER = 4503


class SameOrigin:
    """ASGI middleware: refuse a handshake from a page of another site.

    Browsers send cookies along with any handshake, whichever page opens it, so the page's Origin
    must be the very Host it talks to: an allowed host is not enough, as one like
    ``.herokuapp.com`` holds the sites of strangers. Clients that are no browser send no Origin.
    """

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        headers = {name: value.decode("latin1") for name, value in scope["headers"]}
        host = headers.get(b"host", "").lower()
        origin = headers.get(b"origin")
        same = origin is None or origin.lower().partition("://")[2] == host
        application = self.application if same and is_allowed(host) else WebsocketDenier()
        await application(scope, receive, send)


def is_allowed(host: str) -> bool:
    return validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)


class Faults:
    """ASGI middleware: what goes wrong beyond our reach ends a socket, but is no error of ours.

    While Redis is away a handshake is refused and an open socket closed; the client tries again.
    What is sent to a client that has just left is dropped, where Daphne raises.
    """

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        async def send_if_there(message):
            with suppress(RuntimeError, OSError):
                await send(message)

        try:
            await self.application(scope, receive, send_if_there)
        except RedisError as error:
            logger.warning("Redis is away, and %s closed: %s", scope["path"], error)
            await send_if_there({"type": "websocket.close", "code": TRY_AGAIN_LATER})
