"""A WSGI site of views that read, wait and send: test_wsgi_server.py starts it."""

import os
import time
from pathlib import Path

from django.conf import settings
from django.http import FileResponse, HttpResponse
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


def download(request):
    return FileResponse(Path(os.environ["FILE"]).open("rb"))


urlpatterns = [
    path("echo/", echo),
    path("wait/", wait),
    path("download/", download),
]
settings.ROOT_URLCONF = __name__
application = GracefulShutdown(WSGIHandler())
