"""Waits of tests that share the event loop with what they wait for."""

import asyncio
from collections.abc import Callable

# Seconds; enough on a busy machine.
TIMEOUT = 10


async def until(condition: Callable[[], object]) -> None:
    """Return once ``condition()`` is true; raises TimeoutError after TIMEOUT."""
    async with asyncio.timeout(TIMEOUT):
        while not condition():
            await asyncio.sleep(0.001)
