"""The home page, and the page of an error that no view expected."""

from importlib import import_module

from django.conf import settings
from django.http import HttpResponseServerError
from django.template.loader import render_to_string
from django.views.generic import TemplateView


class HomeView(TemplateView):
    template_name = "pages/home.html"

    def get_context_data(self, **kwargs):
        # For templates/pages/next_steps.html, which names the platform.
        platform = import_module(settings.PLATFORM) if settings.DEBUG else None
        return super().get_context_data(platform=platform, **kwargs)


def server_error(request):
    """handler500. No context processors: one of them may have raised the error."""
    context = {"request_id": getattr(request, "request_id", None)}
    return HttpResponseServerError(render_to_string("500.html", context))
