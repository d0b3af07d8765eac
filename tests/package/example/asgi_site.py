"""An ASGI site of views that read and stream: test_asgi_server.py starts it."""

import os

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from paas.startup import setup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.settings")
setup()

from paas.asgi.handler import ASGIHandler
from paas.asgi.shutdown import GracefulShutdown

PART, PARTS = bytes(65536), 400
sent = 0


@csrf_exempt
def read(request):
    return HttpResponse(len(request.read()))


async def large(request):
    """26 MB in parts; count() says how many have been sent."""

    async def parts():
        global sent
        for number in range(PARTS):
            sent = number + 1
            yield PART

    return StreamingHttpResponse(parts())


def count(request):
    return HttpResponse(sent)


urlpatterns = [
    path("read/", read),
    path("large/", large),
    path("count/", count),
]
settings.ROOT_URLCONF = __name__
application = GracefulShutdown(ASGIHandler())
