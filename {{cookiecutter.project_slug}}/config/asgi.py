"""The ASGI application: HTTP requests go to Django, WebSockets to ``websocket_urlpatterns``."""

import os

from channels.routing import ProtocolTypeRouter
from paas.startup import setup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
setup()

# These import settings and models, so they come after setup().
from paas.asgi.handler import ASGIHandler
from paas.asgi.websockets import websocket_application

from presence.routing import websocket_urlpatterns

application = ProtocolTypeRouter(
    {
        "http": ASGIHandler(),
        "websocket": websocket_application(websocket_urlpatterns),
    }
)
