"""The ASGI middleware that every WebSocket handshake passes before it reaches a consumer."""

import logging
import time
from contextlib import suppress
from io import BytesIO

import structlog
from channels.auth import AuthMiddleware
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.sessions import CookieMiddleware, SessionMiddleware
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.core.exceptions import BadRequest, DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.urls import re_path
from django.utils.crypto import constant_time_compare
from django.utils.http import is_same_domain
from redis import RedisError
from structlog.contextvars import bind_contextvars, bound_contextvars

from paas.asgi.close_codes import CLIENT_REASONS, INTERNAL_ERROR, REASONS, UNAVAILABLE
from paas.asgi.reject import RejectHandshake
from paas.asgi.tickets import TicketAuth, ticket_in
from paas.conf import settings
from paas.logs import MAX_PATH_LENGTH
from paas.logs.requests import milliseconds_since
from paas.platforms.proxy_headers import client_address, request_id

logger = structlog.get_logger(__name__)


class ReadHandshake:
    """ASGI middleware: ``scope["handshake"]`` is a dict of the headers, with lowercase names, and
    ``scope["client"]`` has the client's IP address instead of the router's.
    """

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        headers = {
            name.decode("latin1"): value.decode("latin1") for name, value in scope["headers"]
        }
        peer, port = scope.get("client") or ("", 0)
        client = (client_address(headers, peer), port)
        scope = {**scope, "handshake": headers, "client": client}
        await self.application(scope, receive, send)


class LogSockets:
    """ASGI middleware: log each WebSocket that opens, and why it closes or is rejected; add the
    request id of the handshake to every log line in between.
    """

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        began, closed, end = time.perf_counter(), [], "socket rejected"
        socket = {"path": scope["path"][:MAX_PATH_LENGTH], "address": scope["client"][0]}

        async def watched_receive():
            message = await receive()
            if message["type"] == "websocket.disconnect":
                code = message.get("code")
                closed.append((code, CLIENT_REASONS.get(code, "the client closed it")))
            return message

        async def watched_send(message):
            nonlocal end
            await send(message)
            if message["type"] == "websocket.accept":
                logger.info("socket opened", **socket)
                end = "socket closed"
            elif message["type"] == "websocket.close":
                code = message.get("code", 1000)
                reason = message.get("reason") or REASONS.get(code, "the consumer closed it")
                closed.append((code, reason))

        with bound_contextvars(request_id=request_id(scope["handshake"])):
            try:
                await self.application(scope, watched_receive, watched_send)
            finally:
                # A second code is the other side's reply.
                code, reason = closed[0] if closed else (None, None)
                duration_ms = milliseconds_since(began)
                logger.info(end, **socket, code=code, reason=reason, duration_ms=duration_ms)


class SessionAuth(AuthMiddleware):
    """Channels' AuthMiddleware with SECRET_KEY_FALLBACKS, and the user's id in log lines.

    Without them, it deletes the session of each WebSocket that comes after a change of SECRET_KEY.
    """

    async def resolve_scope(self, scope):
        if settings.SECRET_KEY_FALLBACKS:
            await database_sync_to_async(accept_fallback)(scope["session"])
        await super().resolve_scope(scope)
        bind_contextvars(user_id=scope["user"].pk)


def accept_fallback(session) -> None:
    """Replace the hash of an older key, in memory: the user's next HTTP request stores it."""
    user = get_user_model().objects.filter(pk=session.get(SESSION_KEY)).first()
    if user is not None:
        found = session.get(HASH_SESSION_KEY, "")
        fallbacks = user.get_session_auth_fallback_hash()
        if any(constant_time_compare(found, fallback) for fallback in fallbacks):
            session[HASH_SESSION_KEY] = user.get_session_auth_hash()


class SameOrigin:
    """ASGI middleware: reject a handshake from another site's page, or over plain HTTP.

    Browsers send cookies with every handshake, so the page's Origin must have the scheme, host and
    port of the handshake itself, or be in CSRF_TRUSTED_ORIGINS. Channels' OriginValidator compares
    with ALLOWED_HOSTS, which may be a domain that the platform shares between its customers. Other
    clients send no Origin, or any with a ticket, which no browser sends by itself.
    """

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        problem = origin_problem(scope)
        application = RejectHandshake(problem) if problem else self.application
        await application(scope, receive, send)


def origin_problem(scope) -> str | None:
    """Why the handshake is rejected; None if it is not."""
    # As Django sees an HTTP request: SECURE_PROXY_SSL_HEADER and ALLOWED_HOSTS apply.
    handshake = {"method": "GET", "path": scope["path"], "headers": scope["headers"]}
    try:
        request = ASGIRequest(handshake, BytesIO())
        site = f"{request.scheme}://{request.get_host()}"
    except (BadRequest, DisallowedHost):
        return "the Host is not in ALLOWED_HOSTS, or a header is invalid"
    # A handshake cannot be redirected to HTTPS.
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return "not over HTTPS"
    if ticket_in(scope) is not None or is_allowed(request.headers.get("Origin", site), site):
        return None
    return "the Origin is another site"


def is_allowed(origin: str, site: str) -> bool:
    """Whether ``origin`` is ``site``, or one of CSRF_TRUSTED_ORIGINS."""
    scheme, host = split_origin(origin)
    allowed = map(split_origin, (site, *settings.CSRF_TRUSTED_ORIGINS))
    return any(scheme == own and is_match(host, pattern) for own, pattern in allowed)


def is_match(host: str, pattern: str) -> bool:
    """Whether it is that host; "*.example.com" is for subdomains, as in Django's CsrfViewMiddleware."""
    if pattern.startswith("*"):
        return is_same_domain(host, pattern[1:])
    return host == pattern


def split_origin(origin: str) -> tuple[str, str]:
    """The scheme, and the host with a port that is not the scheme's own.

    Some clients send the scheme of the WebSocket, or a port that browsers leave out.
    """
    scheme, _, host = origin.lower().partition("://")
    scheme = {"ws": "http", "wss": "https"}.get(scheme, scheme)
    return scheme, host.removesuffix({"http": ":80", "https": ":443"}.get(scheme, ""))


class HandleErrors:
    """ASGI middleware: log an error here, where the request id is known, and close the WebSocket.

    While Redis is unavailable a handshake is rejected, and an open WebSocket closed with
    UNAVAILABLE. A message to a client that has just disconnected is dropped; a server may raise.
    """

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        async def send_if_connected(message):
            with suppress(RuntimeError, OSError):
                await send(message)

        try:
            await self.application(scope, receive, send_if_connected)
        except RedisError as error:
            logger.warning("Redis is unavailable", error=str(error))
            await send_if_connected({"type": "websocket.close", "code": UNAVAILABLE})
        except Exception:
            logging.getLogger(__name__).exception("Internal Server Error")
            await send_if_connected({"type": "websocket.close", "code": INTERNAL_ERROR})


# The order in which a handshake passes them.
MIDDLEWARE = [
    ReadHandshake,
    LogSockets,
    HandleErrors,
    SameOrigin,
    # Channels' AuthMiddlewareStack, with tickets between the cookies and the session.
    CookieMiddleware,
    TicketAuth,
    SessionMiddleware,
    SessionAuth,
]


def websocket_application(urlpatterns: list):
    """Return the ASGI application that routes WebSockets, and rejects those of unknown paths."""
    application = URLRouter([*urlpatterns, re_path("", RejectHandshake("no such path"))])
    for middleware in reversed(MIDDLEWARE):
        application = middleware(application)
    return application
