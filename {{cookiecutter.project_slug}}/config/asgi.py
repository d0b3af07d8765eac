"""The ASGI application, as the platform's web process starts it."""

import os

import django
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import WebsocketDenier
from django.urls import re_path

from config.checks import load_settings, refuse_misconfiguration

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
load_settings()
django.setup(set_prefix=False)
refuse_misconfiguration()

# These import settings and models, which need django.setup() first.
from config.drain import Tracked
from config.handler import ASGIHandler
from config.websockets import ClientAddress, Faults, Logged, SameOrigin, name_user
from presence.routing import websocket_urlpatterns
from presence.tickets import TicketAuth

sockets = URLRouter([*websocket_urlpatterns, re_path("", WebsocketDenier.as_asgi())])
authenticated = AuthMiddlewareStack(TicketAuth(name_user(sockets)))

application = ProtocolTypeRouter(
    {
        "http": ASGIHandler(),
        "websocket": Tracked(ClientAddress(Logged(Faults(SameOrigin(authenticated))))),
    }
)
