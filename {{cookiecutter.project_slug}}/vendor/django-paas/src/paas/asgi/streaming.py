"""Streaming responses under ASGI: a synchronous iterator is read in a thread, a block at a time.

Django's own handler would read it whole into memory before it sends the first byte.
"""

import time
from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.http import FileResponse
from django.http.response import HttpResponseBase

BLOCK_SIZE = 2**16
# Parts that come within this time, such as the lines of a CSV file, are sent as one block.
BLOCK_SECONDS = 0.05
EVENT_STREAM = "text/event-stream"


def prepare(response) -> bool:
    """Have the event loop iterate a streaming response. Returns whether a thread has more to read."""
    if response.is_async:
        return False
    parts = iter(response.streaming_content)
    size = 1 if is_event_stream(response) else BLOCK_SIZE
    block, ended = b"", False
    if isinstance(response, FileResponse):
        response.block_size = BLOCK_SIZE
        block, ended = read_block(parts, size)  # all of a small file
    response.streaming_content = read_in_thread(parts, size, block, ended)
    return not ended


def is_event_stream(response: HttpResponseBase) -> bool:
    return response.get("Content-Type", "").startswith(EVENT_STREAM)


async def read_in_thread(
    parts: Iterator[bytes], size: int, block: bytes, ended: bool
) -> AsyncIterator[bytes]:
    """Yield ``block``, then the parts in blocks of at least ``size`` bytes, or of BLOCK_SECONDS."""
    while not ended:
        if block:
            yield block
        block, ended = await sync_to_async(read_block)(parts, size)
    yield block


def read_block(parts: Iterator[bytes], size: int) -> tuple[bytes, bool]:
    """Return the next parts together, and whether they were the last."""
    block, deadline = bytearray(), time.monotonic() + BLOCK_SECONDS
    for part in parts:
        block += part
        if len(block) >= size or time.monotonic() > deadline:
            return bytes(block), False
    return bytes(block), True
