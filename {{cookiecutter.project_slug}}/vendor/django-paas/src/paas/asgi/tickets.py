"""Tickets: they open WebSockets for clients without cookies, such as mobile apps.

1. While logged in, POST to the view ``create_ticket``; the response has a ticket. Its URL is in the
   project's: ``path("ticket/", include("paas.asgi.tickets"))``.
2. Within TICKET_SECONDS open the WebSocket with the header ``Authorization: Ticket TICKET``, or
   with ``ticket.TICKET`` as a second subprotocol. URLs are logged, so a ticket is not sent in one.

A ticket opens one WebSocket, with the session that it was made in. To reconnect, get another.

A ticket is a random token, which is not stored. A row of Django's table of sessions has its hash in
the key, and holds the session key. Redis would not do: if it lost the list of used tickets, a
ticket could be used again.
"""

import hashlib
import secrets
from datetime import timedelta

from channels.db import database_sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from paas.asgi.reject import RejectHandshake
from paas.conf import settings

TICKET_SECONDS = 30
TICKET_SESSION = "ticket_session_key"
# No session cookie can name a ticket's row: paas/accounts/sessions.py takes alphanumeric keys only.
KEY_PREFIX = "ticket."


def make_ticket(session_key: str | None) -> str:
    """Return a new ticket for the session; delete those that have expired."""
    tickets = Session.objects.filter(session_key__startswith=KEY_PREFIX)
    tickets.filter(expire_date__lt=timezone.now()).delete()
    ticket = secrets.token_urlsafe(32)
    Session.objects.create(
        session_key=ticket_key(ticket),
        session_data=SessionStore().encode({TICKET_SESSION: session_key}),
        expire_date=timezone.now() + timedelta(seconds=TICKET_SECONDS),
    )
    return ticket


def redeem(ticket: str) -> str | None:
    """Return the ticket's session key, once; None if it is invalid, expired or used."""
    rows = Session.objects.filter(session_key=ticket_key(ticket), expire_date__gt=timezone.now())
    row = rows.first()
    # Several processes may read the row, but only one deletes it.
    deleted, _ = rows.delete()
    return row.get_decoded().get(TICKET_SESSION) if row and deleted else None


def ticket_key(ticket: str) -> str:
    """The key of the ticket's row; the column has 40 characters."""
    return f"{KEY_PREFIX}{hashlib.sha256(ticket.encode()).hexdigest()}"[:40]


@login_not_required
@require_POST
@never_cache
def create_ticket(request: HttpRequest) -> JsonResponse:
    """View: respond with ``{"ticket": ..., "seconds": TICKET_SECONDS}``, or 401."""
    if not request.user.is_authenticated:
        return JsonResponse({"error": "Log in first."}, status=401)
    made = make_ticket(request.session.session_key)
    return JsonResponse({"ticket": made, "seconds": TICKET_SECONDS})


urlpatterns = [path("", create_ticket, name="ticket")]


class TicketAuth:
    """ASGI middleware before Channels' SessionMiddleware: replace a ticket by the session cookie.

    Channels then checks the session and the user as with any cookie.
    """

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        application, ticket = self.application, ticket_in(scope)
        if ticket is not None:
            session_key = await database_sync_to_async(redeem)(ticket)
            scope = {**scope, "cookies": {settings.SESSION_COOKIE_NAME: session_key}}
            if session_key is None:
                application = RejectHandshake("the ticket is invalid, expired or used")
        await application(scope, receive, send)


def ticket_in(scope) -> str | None:
    """The ticket in the handshake's headers; None if there is none."""
    scheme, _, ticket = scope["handshake"].get("authorization", "").partition(" ")
    if scheme.lower() == "ticket":
        return ticket
    for offered in scope["subprotocols"]:
        if offered.startswith("ticket."):
            return offered.removeprefix("ticket.")
    return None
