"""A guard around Django's HTTP application, which a connection pool needs under ASGI.

When a client hangs up, Django abandons its request half-way and the server soon cancels what is
left of it. The view's thread runs on, but nothing returns its database connection to the pool:
a few impatient clients, and the pool is empty for good. So a request that has begun finishes, and
no more requests run at once than the pool has connections for.
"""

import asyncio

from config.health import PATHS as HEALTH_CHECKS


class RequestGuard:
    """ASGI middleware: run at most ``max_requests`` of ``application``, each to its end.

    A streamed response counts until its last byte. Health checks are not held up.
    """

    def __init__(self, application, max_requests: int):
        self.application = application
        self.slots = asyncio.Semaphore(max_requests)

    async def __call__(self, scope, receive, send):
        if scope["path"] in HEALTH_CHECKS:
            await self.application(scope, receive, send)
            return
        await self.slots.acquire()
        request = asyncio.create_task(self.application(scope, *deafen(receive, send)))
        request.add_done_callback(lambda _: self.slots.release())
        # The server may cancel this call; the request itself goes on.
        await asyncio.shield(request)


def deafen(receive, send):
    """Wrap ``receive`` and ``send`` so that the client hanging up between the end of the
    request's body and the start of the response is not heard until the response starts.
    """
    body_read = False
    response_started = asyncio.Event()

    async def deaf_receive():
        nonlocal body_read
        message = await receive()
        if message["type"] == "http.request":
            body_read = not message.get("more_body", False)
        elif body_read:
            await response_started.wait()
        return message

    async def watched_send(message):
        response_started.set()
        await send(message)

    return deaf_receive, watched_send
