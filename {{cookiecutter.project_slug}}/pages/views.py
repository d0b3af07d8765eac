from django.http import HttpResponseServerError
from django.template.loader import render_to_string


def server_error(request):
    """handler500. No context processors: one of them may have raised the error."""
    context = {"request_id": getattr(request, "request_id", None)}
    return HttpResponseServerError(render_to_string("500.html", context))
