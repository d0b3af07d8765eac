"""Daphne: SIGTERM drops the requests in flight."""

import asyncio

from running import respond, response_after_sigterm


async def app(scope, receive, send):
    await asyncio.sleep(2)
    await respond(send)


if __name__ == "__main__":
    received = response_after_sigterm("daphne")
    print(f"received: {received!r}")
    assert b"the body" in received, "SIGTERM drops the requests in flight"
