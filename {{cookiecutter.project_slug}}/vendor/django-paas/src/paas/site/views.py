import sys
from datetime import timedelta

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import NoReverseMatch
from django.utils import timezone
from django.views import defaults
from django.views.decorators.http import require_safe

from paas.conf import settings
from paas.db.timeouts import is_pool_timeout


def without_form(error_page):
    """Return Django's error page as one that does not read the form, which may be the error.

    Django's looks for a CSRF token there; an exception on the way would turn a 404 into a 500.
    """

    def view(request, exception):
        request.csrf_processing_done = True  # CsrfViewMiddleware.process_view() does nothing
        return error_page(request, exception)

    return view


# handler400, handler403 and handler404
bad_request = without_form(defaults.bad_request)
permission_denied = without_form(defaults.permission_denied)
page_not_found = without_form(defaults.page_not_found)


def server_error(request):
    """handler500. No context processors: one of them may have raised the error.

    The status is 503 if no database connection was free, for a middleware: for a view,
    StatementTimeoutMiddleware has seen it.
    """
    context = {"request_id": getattr(request, "request_id", None)}
    is_busy = is_pool_timeout(getattr(sys.exception(), "__cause__", None))
    return HttpResponse(render_to_string("500.html", context), status=503 if is_busy else 500)


@login_not_required
@require_safe
def robots(request):
    """Not the admin's path, which is the operator's choice."""
    return HttpResponse("User-agent: *\nDisallow: /accounts/\n", content_type="text/plain")


@login_not_required
@require_safe
def change_password(request):
    """Redirect password managers to the form: https://www.w3.org/TR/change-password-url/."""
    try:
        return redirect("account_change_password")
    except NoReverseMatch as error:  # a project without account pages
        raise Http404 from error


@login_not_required
@require_safe
def security_txt(request):
    """Where to report a vulnerability, from SECURITY_CONTACT: https://securitytxt.org."""
    contact = settings.SECURITY_CONTACT
    if not contact:
        raise Http404
    contact = contact if ":" in contact else f"mailto:{contact}"
    expires = (timezone.now() + timedelta(days=180)).replace(microsecond=0).isoformat()
    canonical = request.build_absolute_uri()
    lines = [f"Contact: {contact}", f"Expires: {expires}", f"Canonical: {canonical}"]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain")
