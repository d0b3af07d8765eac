from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.views import SignupView
from allauth.decorators import rate_limit
from axes.models import AccessLog
from django.contrib import messages
from django.contrib.auth import get_user, get_user_model, logout
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.messages.views import SuccessMessageMixin
from django.db import IntegrityError
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView, UpdateView
from django.views.generic.edit import FormMixin

from paas.accounts.forms import UsernameForm
from paas.conf import settings


class UsernameTakenMixin(FormMixin):
    """Show a form error if another request takes the user name after validation."""

    def form_valid(self, form):
        try:
            return super().form_valid(form)
        except IntegrityError:
            form.add_error("username", get_adapter().error_messages["username_taken"])
            return self.form_invalid(form)


class SignUpView(UsernameTakenMixin, SignupView):
    """allauth's view, without its error page for a user name that was just taken."""


class AccountView(LoginRequiredMixin, TemplateView):
    """The user's account, with links to the pages that change it."""

    template_name = "users/account.html"


@method_decorator([reauthentication_required, rate_limit(action="change_username")], "dispatch")
class UsernameView(LoginRequiredMixin, UsernameTakenMixin, SuccessMessageMixin, UpdateView):
    """Change the user name, by the rules of sign-up, after the password was entered again."""

    form_class = UsernameForm
    template_name = "users/username.html"
    context_object_name = "account"  # "user" would replace the one in the page's header
    success_url = reverse_lazy("account")
    success_message = _("Your user name was changed.")

    def get_object(self, queryset=None):
        # Not request.user: validation sets the new name, and the page's header shows that user's.
        return get_user(self.request)


@method_decorator(reauthentication_required, name="dispatch")
class DeleteAccountView(LoginRequiredMixin, TemplateView):
    """Delete the user, with all that belongs to them, after the password was entered again."""

    template_name = "users/delete.html"

    def post(self, request):
        user_id, name = request.user.pk, request.user.get_username()
        logout(request)  # first: it ends the session
        # Or the name's next owner would inherit the known IP addresses: paas.accounts.lockout.
        AccessLog.objects.filter(username=name).delete()
        get_user_model().objects.get(pk=user_id).delete()
        messages.success(request, _("Your account was deleted."))
        return redirect(settings.LOGOUT_REDIRECT_URL or "/")
