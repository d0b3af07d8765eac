"""Views that stream."""

import asyncio
import itertools
import time
from pathlib import Path

from django.db import connection, transaction
from django.http import FileResponse, JsonResponse, StreamingHttpResponse
from extra.models import Row

FILE = Path(__file__).with_name("large_file")
PIECE = b"0123456789abcdef" * 4096
counts = {"streams open": 0}


@transaction.non_atomic_requests
async def events(request):
    """Server-sent events: one at once, then one a second, for ever."""
    return StreamingHttpResponse(tick(), content_type="text/event-stream")


async def tick():
    counts["streams open"] += 1
    try:
        for number in itertools.count():
            yield f"data: {number}\n\n"
            await asyncio.sleep(1)
    finally:
        counts["streams open"] -= 1


def count(request):
    return JsonResponse(counts)


def file(request):
    return FileResponse(FILE.open("rb"))


def rows(request):
    """Many small pieces."""
    lines = (f"{number}\n" for number in range(int(request.GET.get("count", 2000))))
    return StreamingHttpResponse(lines, content_type="text/csv")


def rows_from_database(request):
    return StreamingHttpResponse(read_rows(request.GET["name"]), content_type="text/csv")


def read_rows(name: str):
    found = Row.objects.filter(name=name).order_by("number")
    for row in found.iterator(chunk_size=100):
        yield f"{row.number}\n"


def rows_in_transaction(request):
    return StreamingHttpResponse(roll_back(request.GET["name"]), content_type="text/csv")


def roll_back(name: str):
    """Write a row, take a while to send, and roll back: what others write meanwhile must stay."""
    with transaction.atomic():
        Row.objects.create(name=name)
        for number in range(20):
            assert connection.in_atomic_block
            time.sleep(0.1)
            yield f"{number}\n"
        transaction.set_rollback(True)


def download(request):
    """A piece of 64 kB every quarter of a second, for ``seconds``."""
    return StreamingHttpResponse(send_slowly(float(request.GET["seconds"])))


def send_slowly(seconds: float):
    for _ in range(int(seconds * 4)):
        yield PIECE
        time.sleep(0.25)


@transaction.non_atomic_requests
async def download_async(request):
    return StreamingHttpResponse(send_slowly_async(float(request.GET["seconds"])))


async def send_slowly_async(seconds: float):
    for _ in range(int(seconds * 4)):
        yield PIECE
        await asyncio.sleep(0.25)


@transaction.non_atomic_requests
async def endless_async(request):
    return StreamingHttpResponse(send_endlessly())


async def send_endlessly():
    """Pieces without a pause: only the server's ``send()`` lets others run."""
    while True:
        yield PIECE


def fail(request):
    return StreamingHttpResponse(fail_midway())


def fail_midway():
    yield PIECE
    raise RuntimeError("a generator that fails")


@transaction.non_atomic_requests
async def fail_async(request):
    return StreamingHttpResponse(fail_midway_async())


async def fail_midway_async():
    yield PIECE
    raise RuntimeError("an asynchronous generator that fails")
