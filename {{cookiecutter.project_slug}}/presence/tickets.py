"""Tickets: what a client without cookies shows to open a WebSocket.

It gets one from ``POST /presence/ticket/``, where it is logged in, and within ``TICKET_SECONDS``
sends it as ``Authorization: Ticket ...`` or offers it as the subprotocol ``ticket....`` beside
``presence``; never in the URL, which ends up in logs. A ticket opens one WebSocket, of the session
that it was made in; to connect again, a client gets another.

A ticket is random and tells nothing: its session is in the database, which all processes share.
Not in Redis: sessions are in the database too, so a ticket can be redeemed when its session can be
checked, and is refused when neither can be. Redis would have to be told session keys, and may evict
or lose a list of used tickets, which could then be used again.
"""

import hashlib
import secrets
from datetime import timedelta

from channels.db import database_sync_to_async
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.db.models.functions import Now

from presence.models import Ticket

TICKET_SECONDS = 30


def make_ticket(session_key: str) -> str:
    """A ticket that opens one socket of that session."""
    Ticket.objects.filter(created_at__lt=Now() - timedelta(seconds=TICKET_SECONDS)).delete()
    ticket = secrets.token_urlsafe(32)
    Ticket.objects.create(digest=digest(ticket), session_key=session_key)
    return ticket


def redeem(ticket: str) -> str | None:
    """The session key of the ticket, the first time; None if it is not, or no more, good."""
    tickets = Ticket.objects.filter(
        digest=digest(ticket), created_at__gte=Now() - timedelta(seconds=TICKET_SECONDS)
    )
    found = tickets.first()
    # Several may have found it, in as many processes; the database lets one delete it.
    deleted, _ = tickets.delete()
    return found.session_key if found and deleted else None


def digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()


class TicketAuth:
    """ASGI middleware, before Channels' SessionMiddleware: a ticket takes the place of the session
    cookie, so that its session and user are checked as those of a cookie are.
    """

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        application, ticket = self.application, ticket_in(scope)
        if ticket is not None:
            session_key = await database_sync_to_async(redeem)(ticket)
            scope = {**scope, "cookies": {settings.SESSION_COOKIE_NAME: session_key}}
            if session_key is None:
                application = WebsocketDenier()
        await application(scope, receive, send)


def ticket_in(scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization" and value[:7].lower() == b"ticket ":
            return value[7:].decode("latin1")
    for offered in scope["subprotocols"]:
        if offered.startswith("ticket."):
            return offered.removeprefix("ticket.")
    return None
