from axes.utils import reset
from django.contrib.auth import authenticate
from django.contrib.auth.forms import PasswordChangeForm, UserCreationForm
from django.core.exceptions import ValidationError
from django.views.decorators.debug import sensitive_variables

from users.models import User


class SignUpForm(UserCreationForm):
    """E-mail addresses need not be unique, so this form does not reveal who has an account.

    A username that is taken it must reveal.
    """

    class Meta(UserCreationForm.Meta):  # UsernameField has autocapitalize="none", for phones
        model = User
        fields = ("username", "email")


class ChangePasswordForm(PasswordChangeForm):
    """Checks the old password by authenticate(), so that failures count for the lockout.

    Otherwise the thief of a session could guess the password without limit.
    """

    def __init__(self, request, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.request = request

    @sensitive_variables("password")
    def clean_old_password(self):
        username, password = self.user.get_username(), self.cleaned_data["old_password"]
        if authenticate(self.request, username=username, password=password):
            reset(ip=self.request.axes_ip_address, username=username)
            return password
        raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
