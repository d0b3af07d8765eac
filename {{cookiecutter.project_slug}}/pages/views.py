from django.http import HttpResponseServerError
from django.template.loader import render_to_string


def server_error(request):
    """The page of an unhandled error: without what other pages have, which may be what failed."""
    context = {"request_id": getattr(request, "request_id", None)}
    return HttpResponseServerError(render_to_string("500.html", context))
