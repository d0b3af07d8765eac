"""A guard around Django's HTTP application, which a connection pool needs under ASGI.

When a client hangs up, Django abandons its request half-way and the server soon cancels what is
left of it. The view's thread runs on, but nothing returns its database connection to the pool:
a few impatient clients, and the pool is empty for good. So a request that has begun finishes, and
no more requests run at once than the pool has connections for.
"""

import asyncio

from config.health import ANSWERS as HEALTH_CHECKS


class RequestGuard:
    """ASGI middleware: run at most ``max_requests`` of ``application``, each to its end.

    A request counts from the last byte of its body, so that slow uploads hold up no one, to the
    last byte of its response. Health checks are not held up.
    """

    def __init__(self, application, max_requests: int):
        self.application = application
        self.slots = asyncio.Semaphore(max_requests)
        # asyncio itself keeps no task from being collected as garbage.
        self.requests: set[asyncio.Task] = set()

    async def __call__(self, scope, receive, send):
        if scope["path"] in HEALTH_CHECKS:
            await self.application(scope, receive, send)
        else:
            request = asyncio.create_task(self.run(scope, receive, send))
            self.requests.add(request)
            request.add_done_callback(self.requests.discard)
            # The server may cancel this call; the request itself goes on.
            await asyncio.shield(request)

    async def run(self, scope, receive, send):
        client = DeafClient(receive, send, self.slots)
        try:
            await self.application(scope, client.receive, client.send)
        finally:
            if client.holds_slot:
                self.slots.release()


class DeafClient:
    """A request's ``receive`` and ``send``, which take a slot once its body has been read, and let
    no one hear that the client hung up from then on until the response starts.
    """

    def __init__(self, receive, send, slots: asyncio.Semaphore):
        self._receive, self._send, self._slots = receive, send, slots
        self.holds_slot = False
        self._response_started = asyncio.Event()

    async def receive(self):
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            await self._slots.acquire()
            self.holds_slot = True
        elif self.holds_slot:
            await self._response_started.wait()
        return message

    async def send(self, message):
        self._response_started.set()
        await self._send(message)
