"""The ASGI application, as the platform's web process starts it."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import re_path

from config.checks import refuse_misconfiguration
from config.drain import Tracked
from config.guard import RequestGuard
from config.websockets import ClientAddress, Faults, Logged, SameOrigin, name_user

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_asgi_application()
refuse_misconfiguration()

# Consumers import models, which can be imported only now.
from presence.routing import websocket_urlpatterns
from presence.tickets import TicketAuth

sockets = URLRouter([*websocket_urlpatterns, re_path("", WebsocketDenier.as_asgi())])
authenticated = AuthMiddlewareStack(TicketAuth(name_user(sockets)))

application = ProtocolTypeRouter(
    {
        "http": RequestGuard(Tracked(django_application), settings.DB_POOL_SIZE - 2),
        "websocket": Tracked(ClientAddress(Logged(Faults(SameOrigin(authenticated))))),
    }
)
