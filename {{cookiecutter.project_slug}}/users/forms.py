from allauth.account import forms
from axes.utils import reset
from django.contrib.auth import authenticate
from django.core.validators import RegexValidator
from django.db import transaction
from django.forms import CharField, TextInput
from django.views.decorators.debug import sensitive_variables

# Of new accounts. ASCII has few homographs: a Cyrillic "а" would imitate "ada". No "@": a user name
# that is another's address would be in the way of their login by address.
USERNAME_VALIDATORS = [
    RegexValidator(
        r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z",
        "Use letters without accents, digits, and . - _ after the first.",
    )
]


class LoginForm(forms.LoginForm):
    """Log in by user name, in any case, or by e-mail address."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        attributes = {"autocomplete": "username webauthn", "autocapitalize": "none"}
        # An address has up to 254 characters.
        self.fields["login"] = CharField(
            label="User name or e-mail address", max_length=254, widget=TextInput(attributes)
        )
        self.order_fields(["login", "password"])


class SignUpForm(forms.SignupForm):
    """An address that has an account already gets a second one, unconfirmed, or this form would
    reveal who has an account. A user name that is taken it must reveal.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.attrs |= {"autocapitalize": "none", "spellcheck": "false"}

    def validate_unique_email(self, value: str) -> str:
        return value

    def try_save(self, request):
        with transaction.atomic():
            return super().try_save(request)


class ChangePasswordForm(forms.ChangePasswordForm):
    """Checks the old password by authenticate(), so that failures count for the lockout.

    Otherwise the thief of a session could guess the password without limit.
    """

    @sensitive_variables("password")
    def clean_oldpassword(self) -> str:
        username, password = self.user.get_username(), self.cleaned_data["oldpassword"]
        if authenticate(request := forms.context.request, username=username, password=password):
            reset(ip=request.axes_ip_address, username=username)
            return password
        raise forms.get_adapter().validation_error("enter_current_password")
