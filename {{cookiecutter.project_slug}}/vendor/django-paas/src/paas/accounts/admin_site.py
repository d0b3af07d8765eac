"""The admin: its name, and who may enter."""

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import admin, messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.generic import RedirectView

from paas.conf import settings


def used_second_factor(request: HttpRequest) -> bool:
    """Whether the session was opened, or confirmed since, with a second factor or a passkey."""
    records = get_authentication_records(request, request.user)
    return any(record["method"] == "mfa" for record in records)


class AdminSite(admin.AdminSite):
    """Django's admin with the site's login page, which has the lockout and the second factor.

    With STAFF_NEEDS_SECOND_FACTOR it opens to sessions with a second factor only.
    """

    site_header = site_title = settings.SITE_NAME

    def has_permission(self, request: HttpRequest) -> bool:
        if not super().has_permission(request):
            return False
        return not settings.STAFF_NEEDS_SECOND_FACTOR or used_second_factor(request)

    def get_urls(self) -> list:
        """The admin's own password form has no lockout, but the site's has."""
        page = RedirectView.as_view(pattern_name="account_change_password")
        return [path("password_change/", page), *super().get_urls()]

    def login(self, request: HttpRequest, extra_context=None):
        """Redirect to what is missing: a login, a second factor, or the use of it."""
        index = reverse("admin:index", current_app=self.name)
        target = request.GET.get(REDIRECT_FIELD_NAME, index)
        if self.has_permission(request):
            return redirect(index)
        if request.user.is_anonymous:
            return redirect_to_login(target, settings.LOGIN_URL)
        if not (request.user.is_active and request.user.is_staff):
            raise PermissionDenied
        if not is_mfa_enabled(request.user):
            warning = _("Staff need a second factor: set one up to open the admin.")
            messages.warning(request, warning)
            return redirect("mfa_index")
        methods = get_adapter().get_reauthentication_methods(request.user)
        second = next(each["url"] for each in methods if each["id"].startswith("mfa"))
        return redirect(f"{second}?{urlencode({REDIRECT_FIELD_NAME: target})}")
