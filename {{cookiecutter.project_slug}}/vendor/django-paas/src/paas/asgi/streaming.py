"""Streaming responses under ASGI.

An async iterator needs no thread. A synchronous one is read in the request's thread, a block at a
time; between two blocks the thread is free.
"""

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase

BLOCK_SIZE = 2**16
# Parts that come within this time, such as the lines of a CSV file, are sent as one block.
BLOCK_SECONDS = 0.05


def is_event_stream(response: HttpResponseBase) -> bool:
    """Whether the response is a stream of server-sent events."""
    return response.streaming and response.get("Content-Type", "").startswith("text/event-stream")


def prepare(response):
    """Return a response that the event loop can iterate."""
    if not response.streaming or response.is_async:
        return response
    parts, block, ended = iter(response.streaming_content), b"", False
    if isinstance(response, FileResponse):
        # Read the first block now: a file that fits in it is not streamed.
        response.block_size = BLOCK_SIZE
        block, ended = read_block(parts)
    if ended:
        return whole_response(response, block)
    size = 1 if is_event_stream(response) else BLOCK_SIZE
    response.streaming_content = read_in_thread(parts, block, size)
    return response


def whole_response(response, content: bytes) -> HttpResponse:
    """Return a response that is not streamed in place of one that has been read to its end."""
    whole: Any = HttpResponse(content, status=response.status_code, reason=response.reason_phrase)
    whole.headers, whole.cookies = response.headers, response.cookies
    whole._resource_closers = response._resource_closers
    whole._handler_class = response._handler_class
    return whole


async def read_in_thread(parts: Iterator[bytes], block: bytes, size: int) -> AsyncIterator[bytes]:
    """Yield ``block``, then the parts in blocks of at least ``size`` bytes, or of BLOCK_SECONDS."""
    ended = False
    while not ended:
        if block:
            yield block
        block, ended = await sync_to_async(read_block)(parts, size)
    yield block


def read_block(parts: Iterator[bytes], size: int = BLOCK_SIZE) -> tuple[bytes, bool]:
    """Return the next parts together, and whether they were the last."""
    block, deadline = bytearray(), time.monotonic() + BLOCK_SECONDS
    for part in parts:
        block += part
        is_enough = len(block) >= size or time.monotonic() > deadline
        # Between two blocks other requests use this thread's database connection. So read on inside
        # transaction.atomic(), or their queries would join the iterator's transaction.
        if is_enough and not any(one.in_atomic_block for one in connections.all(True)):
            return bytes(block), False
    return bytes(block), True
