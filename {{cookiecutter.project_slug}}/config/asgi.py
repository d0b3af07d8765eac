"""The ASGI application: HTTP requests go to Django, WebSockets to the consumers listed here."""

import os

from channels.routing import ProtocolTypeRouter

# <%- if cookiecutter.__presence == "yes" +%>
from django.urls import path

# <%- endif +%>
from paas.startup import setup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
setup()

# These import settings and models, so they come after setup().
from paas.asgi.handler import ASGIHandler
from paas.asgi.shutdown import GracefulShutdown
from paas.asgi.websockets import websocket_application

# <% if cookiecutter.__presence == "yes" %>
from presence.consumers import PageConsumer

# <% endif %>
application = GracefulShutdown(
    ProtocolTypeRouter(
        {
            "http": ASGIHandler(),
            "websocket": websocket_application(
                [
                    # <% if cookiecutter.__presence == "yes" %>
                    path("ws/presence/", PageConsumer.as_asgi()),
                    # <% else %>
                    # path("ws/chat/", ChatConsumer.as_asgi()),
                    # <% endif %>
                ]
            ),
        }
    )
)
