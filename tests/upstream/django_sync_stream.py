"""Django: under ASGI a synchronous stream is read to its end before the first part is sent."""

import asyncio

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import StreamingHttpResponse
from django.urls import path
from running import send_request

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
    client = await send_request(get_asgi_application())
    await client.receive_output()
    await client.receive_output()
    return made


if __name__ == "__main__":
    settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="secret", ALLOWED_HOSTS=["*"])
    django.setup()
    parts_made = asyncio.run(main())
    print(f"{parts_made} of {PARTS} parts of 64 KB are in memory when the first is sent")
    assert parts_made < PARTS, "the iterator is consumed before anything is sent"
