"""An ASGI site of views that wait, stream and show their scope: test_asgi_server.py starts it."""

import asyncio
import os

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from paas.startup import setup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.settings")
setup()

from paas.asgi.handler import ASGIHandler
from paas.asgi.shutdown import GracefulShutdown
from paas.asgi.websockets import websocket_application

PART, PARTS = bytes(65536), 400
counts = {"sent": 0}


@csrf_exempt
def read(request):
    return HttpResponse(len(request.read()))


async def wait(request):
    await asyncio.sleep(float(request.GET["seconds"]))
    return HttpResponse("waited")


async def events(request):
    async def parts():
        yield "data: 1\n\n"
        await asyncio.Event().wait()

    return StreamingHttpResponse(parts(), content_type="text/event-stream")


async def large(request):
    """26 MB in parts; count() says how many have been sent."""

    async def parts():
        for number in range(1, PARTS + 1):
            counts["sent"] = number
            yield PART

    return StreamingHttpResponse(parts())


def count(request):
    return JsonResponse(counts)


def root_path(request):
    return JsonResponse({"root_path": request.scope["root_path"]})


class Socket(AsyncWebsocketConsumer):
    channel_layer_alias = "none"  # the default one needs Redis


urlpatterns = [
    path("read/", read),
    path("wait/", wait),
    path("events/", events),
    path("large/", large),
    path("count/", count),
    path("root-path/", root_path),
]
settings.ROOT_URLCONF = __name__
application = GracefulShutdown(
    ProtocolTypeRouter(
        {
            "http": ASGIHandler(),
            "websocket": websocket_application([path("socket/", Socket.as_asgi())]),
        }
    )
)
