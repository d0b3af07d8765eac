from allauth.account import app_settings, forms
from allauth.account.utils import filter_users_by_email
from axes.models import AccessLog
from django.contrib.auth import get_user_model
from django.core.validators import RegexValidator
from django.db import transaction
from django.forms import CharField, EmailInput, ModelForm, TextInput
from django.utils.translation import gettext_lazy as _

# Rules of new user names. ASCII only: U+0430 looks like "a". No "@": a user name that is another's
# address would be in the way of their login by address.
USERNAME_VALIDATORS = [
    RegexValidator(
        r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z",
        _("Use letters without accents, digits, and . - _ after the first."),
    )
]
LABELS = {frozenset({"email"}): _("Email address"), frozenset({"username"}): _("User name")}
USERNAME_ATTRIBUTES = {"autocapitalize": "none", "spellcheck": "false"}


def is_by_email_only() -> bool:
    """Whether users log in by their email address, and not by a user name."""
    return set(app_settings.LOGIN_METHODS) == {"email"}


class LoginForm(forms.LoginForm):
    """Log in by user name, in any case, or by email address, as ACCOUNT_LOGIN_METHODS says."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        by_email = is_by_email_only()
        attributes = {"autocomplete": "username webauthn", "autocapitalize": "none"}
        # An address has up to 254 characters.
        self.fields["login"] = CharField(
            label=LABELS.get(
                frozenset(app_settings.LOGIN_METHODS), _("User name or email address")
            ),
            max_length=254,
            widget=(EmailInput if by_email else TextInput)(attributes),
        )
        self.order_fields(["login", "password"])


class SignUpForm(forms.SignupForm):
    """Signing up with a registered address creates a second, unconfirmed account, so nobody learns
    that it is registered. Without user names and confirmation that account could not be logged in
    to, so there the address is rejected.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "username" in self.fields:  # of ACCOUNT_SIGNUP_FIELDS
            self.fields["username"].widget.attrs |= USERNAME_ATTRIBUTES

    def validate_unique_email(self, value: str) -> str:
        if app_settings.PREVENT_ENUMERATION != "strict":
            return super().validate_unique_email(value)
        is_confirmed = (
            app_settings.EMAIL_VERIFICATION == app_settings.EmailVerificationMethod.MANDATORY
        )
        if is_by_email_only() and not is_confirmed and filter_users_by_email(value):
            raise forms.get_adapter().validation_error("email_taken")
        return value

    def try_save(self, request):
        with transaction.atomic():
            return super().try_save(request)


class UsernameForm(ModelForm):
    """A new user name, by the rules of sign-up."""

    class Meta:
        model = get_user_model()
        fields = ["username"]
        help_texts = {"username": ""}
        widgets = {"username": TextInput(USERNAME_ATTRIBUTES)}

    def clean_username(self) -> str:
        # shallow: the model's constraint checks that the name is unique, or the user's own.
        return forms.get_adapter().clean_username(self.cleaned_data["username"], shallow=True)

    def save(self, commit=True):
        with transaction.atomic():
            self.instance.save(update_fields=["username"])
            # By these logins the user's IP addresses are exempt from USER_LIMIT (paas.accounts).
            known = AccessLog.objects.filter(username=self.initial["username"])
            known.update(username=self.instance.username)
        return self.instance


class ChangePasswordForm(forms.ChangePasswordForm):
    """Checks the old password as the page to log in does, so that failures count for the lockout:
    otherwise a stolen session could guess the password without limit.
    """

    def clean_oldpassword(self) -> str:
        password = self.cleaned_data["oldpassword"]
        if forms.get_adapter().reauthenticate(self.user, password):
            return password
        raise forms.get_adapter().validation_error("enter_current_password")
