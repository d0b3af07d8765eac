from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.views import PasswordChangeView
from django.contrib.messages.views import SuccessMessageMixin
from django.db import IntegrityError, transaction
from django.shortcuts import resolve_url
from django.urls import reverse_lazy
from django.views.generic import CreateView

from users.forms import ChangePasswordForm, SignUpForm


class SignUpView(CreateView):
    """Create a user, and log in as that user."""

    form_class = SignUpForm

    def get_success_url(self):
        return resolve_url(settings.LOGIN_REDIRECT_URL)

    def form_valid(self, form):
        try:
            with transaction.atomic():
                response = super().form_valid(form)
        except IntegrityError:
            # Another request took the username after validation: validate again, for the error.
            return self.form_invalid(self.get_form())
        login(self.request, self.object)
        return response


class ChangePasswordView(SuccessMessageMixin, PasswordChangeView):
    """Change the user's password, which ends the user's other sessions."""

    form_class = ChangePasswordForm
    success_url = reverse_lazy("home")
    success_message = "Your password was changed."

    def get_form_kwargs(self):
        return {"request": self.request, **super().get_form_kwargs()}
