"""The home page, the page of an error that no view expected, and what crawlers and browsers look for."""

from datetime import timedelta
from importlib import import_module

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse, HttpResponseServerError
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_safe
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


@login_not_required
@require_safe
def robots(request):
    """Not the admin's path, which is the operator's choice."""
    return HttpResponse("User-agent: *\nDisallow: /accounts/\n", content_type="text/plain")


@login_not_required
@require_safe
def security(request):
    """Where to report a vulnerability, from SECURITY_CONTACT: https://securitytxt.org."""
    contact = settings.SECURITY_CONTACT
    if not contact:
        raise Http404
    contact = contact if ":" in contact else f"mailto:{contact}"
    expires = (timezone.now() + timedelta(days=180)).replace(microsecond=0).isoformat()
    canonical = request.build_absolute_uri()
    lines = [f"Contact: {contact}", f"Expires: {expires}", f"Canonical: {canonical}"]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain")
