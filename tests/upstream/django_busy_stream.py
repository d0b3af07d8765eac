"""Django: under ASGI a stream that never waits does not end when its client disconnects."""

import asyncio
import time

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import StreamingHttpResponse
from django.urls import path
from running import scope


async def parts():
    end = time.monotonic() + 3  # else this would never end
    while time.monotonic() < end:
        yield b"part"


async def stream(request):
    return StreamingHttpResponse(parts())


urlpatterns = [path("", stream)]


async def main() -> float:
    """Return how long the stream of a client runs that leaves after half a second."""
    messages = [{"type": "http.request"}]

    async def receive():
        if messages:
            return messages.pop()
        await asyncio.sleep(0.5)
        return {"type": "http.disconnect"}

    async def send(message):
        """Uvicorn's and Daphne's do not wait either, unless the client reads too slowly."""

    start = time.monotonic()
    await get_asgi_application()(scope(), receive, send)
    return time.monotonic() - start


if __name__ == "__main__":
    settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="secret")
    django.setup()
    seconds = asyncio.run(main())
    print(f"the client left after 0.5 s, the stream ended after {seconds:.1f} s")
    assert seconds < 2, "the disconnect is not seen"
