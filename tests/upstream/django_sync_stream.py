"""Django: under ASGI a synchronous stream, such as a file, is read whole before a part is sent.

pip install django
python django_sync_stream.py
"""

import asyncio

import django
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import StreamingHttpResponse
from django.urls import path

PARTS = 1000
made = 0


def parts():
    global made
    for _ in range(PARTS):
        made += 1
        yield bytes(65536)


def stream(request):
    return StreamingHttpResponse(parts())


urlpatterns = [path("", stream)]


async def main() -> int:
    """Return how many parts have been made when the first is sent."""
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    client = ApplicationCommunicator(get_asgi_application(), scope)
    await client.send_input({"type": "http.request"})
    await client.receive_output()
    await client.receive_output()
    return made


if __name__ == "__main__":
    settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="secret", ALLOWED_HOSTS=["*"])
    django.setup()
    parts_made = asyncio.run(main())
    print(f"{parts_made} of {PARTS} parts of 64 KB are in memory when the first is sent")
    assert parts_made < PARTS, "the iterator is consumed before anything is sent"
