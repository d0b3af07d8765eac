"""A WSGI site of views that read and wait: test_wsgi_server.py starts it."""

import os
import time

from django.conf import settings
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from paas.startup import setup
from paas.wsgi import GracefulShutdown, WSGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.settings")
setup()


@csrf_exempt
def echo(request):
    """The length and the sum of the body's bytes."""
    body = request.read()
    return HttpResponse(f"{len(body)} {sum(body)}")


def wait(request):
    time.sleep(float(request.GET["seconds"]))
    return HttpResponse("waited")


urlpatterns = [
    path("echo/", echo),
    path("wait/", wait),
]
settings.ROOT_URLCONF = __name__
application = GracefulShutdown(WSGIHandler())
