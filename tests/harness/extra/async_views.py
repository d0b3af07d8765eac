"""Asynchronous views. None of them may be atomic, as Django does not allow that."""

import asyncio
import threading

from asgiref.sync import sync_to_async
from django.db import transaction
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from extra.middleware import current_path
from extra.models import Row

# The names that release() was asked for.
released = set()


@transaction.non_atomic_requests
async def wait(request):
    """Wait for ``seconds``, and for the release of ``name`` if there is one."""
    await asyncio.sleep(float(request.GET.get("seconds", 0)))
    while "name" in request.GET and request.GET["name"] not in released:
        await asyncio.sleep(0.05)
    return HttpResponse("waited")


@transaction.non_atomic_requests
async def release(request):
    released.add(request.GET["name"])
    return HttpResponse("released")


@transaction.non_atomic_requests
async def slow(request):
    """Ask the database, wait for ``seconds``, then write a row called ``name``."""
    name = request.GET["name"]
    before = await Row.objects.filter(name=name).acount()
    await asyncio.sleep(float(request.GET.get("seconds", 0)))
    row = Row(name=name, number=before)
    await row.asave()
    found = await Row.objects.aget(pk=row.pk)
    return JsonResponse({"name": found.name, "before": found.number})


@transaction.non_atomic_requests
async def threads(request):
    """Whether two synchronous calls of one request share a thread and its context."""
    first, second = [await sync_to_async(threading.get_ident)() for _ in range(2)]
    context = await sync_to_async(current_path.get)()
    is_on_the_loop = first == threading.get_ident()
    return JsonResponse({"same": first == second, "on loop": is_on_the_loop, "context": context})


@transaction.non_atomic_requests
async def fail(request):
    raise RuntimeError("an asynchronous view that fails")


@transaction.non_atomic_requests
async def fail_slowly(request, name):
    await asyncio.sleep(1)
    raise RuntimeError(name)


@transaction.non_atomic_requests
async def fail_lookup(request):
    raise LookupError("asynchronous")


@transaction.non_atomic_requests
async def user_wait(request):
    """Ask the database who the user is, then wait as wait() does."""
    await request.auser()
    return await wait(request)


@transaction.non_atomic_requests
async def user_events(request):
    """Ask the database who the user is, then send one event and no other."""
    user = await request.auser()

    async def parts():
        yield f"data: {user.pk}\n\n"
        await asyncio.Event().wait()

    return StreamingHttpResponse(parts(), content_type="text/event-stream")
