"""Synchronous views."""

import hashlib
import os
import time

from django.db import connection, transaction
from django.http import HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from extra.middleware import current_path
from extra.models import Row
from paas.limits import max_body_size


class FailingConverter:
    """Of a URL pattern, which servers resolve for the limit of a body."""

    regex = "[a-z]+"

    def to_python(self, value):
        raise RuntimeError("a converter that fails")


@csrf_exempt
def slow(request):
    """Sleep for ``seconds``, then write a row called ``name``."""
    time.sleep(float(request.GET.get("seconds", 0)))
    Row.objects.create(name=request.GET["name"])
    return HttpResponse("written")


def sleep_in_database(request):
    """A query that takes ``seconds``."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [float(request.GET["seconds"])])
    return HttpResponse("slept")


def context(request):
    return HttpResponse(current_path.get())


def big(request):
    """Five million bytes in one piece."""
    return HttpResponse(b"0123456789" * 500_000, content_type="text/plain")


@csrf_exempt
def echo(request):
    """The length and hash of the body that arrived."""
    length, digest = 0, hashlib.sha256()
    while piece := request.read(65536):
        length += len(piece)
        digest.update(piece)
    found = {"method": request.method, "length": length, "sha256": digest.hexdigest()}
    return JsonResponse(found)


@csrf_exempt
def form(request):
    """The length of each text and file of the form that arrived."""
    texts = {name: len(value) for name, value in request.POST.items()}
    return JsonResponse(texts | {name: file.size for name, file in request.FILES.items()})


@csrf_exempt
def read(request):
    """Read a body in pieces, as views for large bodies do."""
    length = 0
    while piece := request.read(65536):
        length += len(piece)
    return JsonResponse({"length": length})


@csrf_exempt
@max_body_size(11_000_000)
def read_more(request):
    return read(request)


@csrf_exempt
@max_body_size(10)
def read_little(request):
    return read(request)


def fail(request):
    raise RuntimeError("a synchronous view that fails")


def fail_slowly(request, name):
    time.sleep(1)
    raise RuntimeError(name)


def request_facts(request):
    """The client's address and the URL, as Django sees them."""
    return JsonResponse(
        {
            "address": request.META["REMOTE_ADDR"],
            "is_secure": request.is_secure(),
            "page": request.build_absolute_uri(),
            "script": request.META["SCRIPT_NAME"],
            "method": request.method,
        }
    )


@csrf_exempt
def fail_with_secrets(request, **arguments):
    """Raise an exception while local variables hold all kinds of secrets."""
    secrets = [request.POST, request.body, request.headers, request.COOKIES]
    secrets += [request.session.session_key, dict(os.environ)]
    raise RuntimeError(f"It does not work for user number {request.user.pk}.")


def fail_lookup(request):
    """What ``SyncOnly.process_exception`` turns into a page."""
    raise LookupError("synchronous")


def write_and_fail(request):
    Row.objects.create(name=request.GET["name"])
    raise RuntimeError("after a row was written")


@transaction.atomic
def increment(request):
    row = Row.objects.select_for_update().get(name=request.GET["name"])
    number = row.number
    time.sleep(0.01)
    row.number = number + 1
    row.save()
    return HttpResponse(str(row.number))
