import os

from channels.routing import ProtocolTypeRouter

from paas.startup import setup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.settings")
setup()

from paas.asgi.handler import ASGIHandler
from paas.asgi.shutdown import GracefulShutdown
from paas.asgi.websockets import websocket_application

application = GracefulShutdown(
    ProtocolTypeRouter({"http": ASGIHandler(), "websocket": websocket_application([])})
)
