"""Tickets: what a client without cookies shows to open a WebSocket.

It gets one from ``POST /presence/ticket/``, where it is logged in, and within ``TICKET_SECONDS``
sends it as ``Authorization: Ticket ...`` or offers it as the subprotocol ``ticket....`` beside
``presence``; never in the URL, which ends up in logs.
"""

from channels.db import database_sync_to_async
from channels.security.websocket import WebsocketDenier
from django.contrib.auth import get_user_model
from django.core.signing import BadSignature, TimestampSigner

from presence.services import session_digest

TICKET_SECONDS = 30


def signer() -> TimestampSigner:
    # A subprotocol cannot hold Django's usual separator, a colon.
    return TimestampSigner(sep=".", salt="presence.ticket")


def make_ticket(user, session_key: str) -> str:
    """A ticket that opens a socket of ``user``, to be closed when that session ends."""
    claim = {
        "user": user.pk,
        "password": user.get_session_auth_hash(),
        "session": session_digest(session_key),
    }
    return signer().sign_object(claim)


def redeem(ticket: str):
    """The ticket's user and session digest; raises BadSignature if it is not, or no more, good."""
    claim = signer().unsign_object(ticket, max_age=TICKET_SECONDS)
    user = get_user_model().objects.filter(pk=claim["user"], is_active=True).first()
    if user is None or user.get_session_auth_hash() != claim["password"]:
        raise BadSignature("The account or its password has changed.")
    return user, claim["session"]


class TicketAuth:
    """ASGI middleware: a handshake that shows a ticket is the ticket's user's, or refused."""

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        application, ticket = self.application, ticket_in(scope)
        if ticket is not None:
            try:
                user, session = await database_sync_to_async(redeem)(ticket)
                scope = {**scope, "user": user, "session_digest": session}
            except BadSignature:
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
