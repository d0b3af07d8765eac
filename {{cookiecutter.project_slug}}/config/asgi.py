"""The ASGI application, as the platform's web process starts it."""

import os

import django
from channels.auth import AuthMiddleware
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import WebsocketDenier
from channels.sessions import CookieMiddleware, SessionMiddleware
from django.urls import re_path

from config.checks import load_settings, refuse_misconfiguration

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
load_settings()
django.setup(set_prefix=False)
refuse_misconfiguration()

# These import settings and models, which need django.setup() first.
from config.drain import Tracked
from config.handler import ASGIHandler
from config.websockets import BindUserId, ClientAddress, HandleErrors, LogSockets, SameOrigin
from presence.routing import websocket_urlpatterns
from presence.tickets import TicketAuth

sockets = URLRouter([*websocket_urlpatterns, re_path("", WebsocketDenier.as_asgi())])
# Channels' AuthMiddlewareStack, in which a ticket may take the place of the session cookie.
authenticated = CookieMiddleware(TicketAuth(SessionMiddleware(AuthMiddleware(BindUserId(sockets)))))

application = ProtocolTypeRouter(
    {
        "http": ASGIHandler(),
        "websocket": Tracked(ClientAddress(LogSockets(HandleErrors(SameOrigin(authenticated))))),
    }
)
