"""What every WebSocket passes before it reaches a consumer."""

import logging
import time
from contextlib import suppress
from io import BytesIO

import structlog
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.core.exceptions import BadRequest, DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from redis import RedisError
from structlog.contextvars import bind_contextvars, bound_contextvars

from config.logs import MAX_PATH_LENGTH
from config.request_log import milliseconds_since
from config.router import client_address, request_id

logger = structlog.get_logger(__name__)

INTERNAL_ERROR = 4500
UNAVAILABLE = 4503


def headers_of(scope) -> dict[str, str]:
    """The handshake's headers, by their names in lower case; of one that is repeated the last."""
    return {name.decode("latin1"): value.decode("latin1") for name, value in scope["headers"]}


class ClientAddress:
    """ASGI middleware: ``scope["client"]`` begins with the client's address, not the router's."""

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        peer, port = scope.get("client") or ("", 0)
        client = (client_address(headers_of(scope), peer), port)
        await self.application({**scope, "client": client}, receive, send)


class LogSockets:
    """ASGI middleware: one log line when a socket opens and one when it closes, or one that it was
    refused; and the id of its handshake in every line in between.
    """

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        began, codes, end = time.perf_counter(), [], "socket refused"
        socket = {"path": scope["path"][:MAX_PATH_LENGTH], "address": scope["client"][0]}

        async def watched_receive():
            message = await receive()
            if message["type"] == "websocket.disconnect":
                codes.append(message.get("code"))
            return message

        async def watched_send(message):
            nonlocal end
            await send(message)
            if message["type"] == "websocket.accept":
                logger.info("socket opened", **socket)
                end = "socket closed"
            elif message["type"] == "websocket.close":
                codes.append(message.get("code", 1000))

        with bound_contextvars(request_id=request_id(headers_of(scope))):
            try:
                await self.application(scope, watched_receive, watched_send)
            finally:
                # The first code is the reason, a second one the other side's answer to it.
                code = codes[0] if codes else None
                logger.info(end, **socket, code=code, duration_ms=milliseconds_since(began))


class BindUserId:
    """ASGI middleware: the user's id in every log line from here on."""

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        bind_contextvars(user_id=scope["user"].pk)
        await self.application(scope, receive, send)


class SameOrigin:
    """ASGI middleware: refuse a handshake from a page of another site, or over plain HTTP.

    Browsers send cookies along with any handshake, whichever page opens it, so the page's Origin
    must have the scheme and the Host of the handshake itself. Channels' OriginValidator compares
    with ALLOWED_HOSTS: one like ``.herokuapp.com`` holds the sites of strangers. Clients that are
    no browser send no Origin.
    """

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        application = self.application if is_same_origin(scope) else WebsocketDenier()
        await application(scope, receive, send)


def is_same_origin(scope) -> bool:
    # As Django sees an HTTP request: SECURE_PROXY_SSL_HEADER and ALLOWED_HOSTS apply.
    handshake = {"method": "GET", "path": scope["path"], "headers": scope["headers"]}
    try:
        request = ASGIRequest(handshake, BytesIO())
        site = f"{request.scheme}://{request.get_host()}"
    except (BadRequest, DisallowedHost):
        return False
    # A handshake cannot be redirected to HTTPS.
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return False
    return request.headers.get("Origin", site).lower() == site.lower()


class HandleErrors:
    """ASGI middleware: what goes wrong ends a socket, and is logged here, where its id is known.

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
            logger.warning("Redis is away", error=str(error))
            await send_if_there({"type": "websocket.close", "code": UNAVAILABLE})
        except Exception:
            logging.getLogger(__name__).exception("Internal Server Error")
            await send_if_there({"type": "websocket.close", "code": INTERNAL_ERROR})
