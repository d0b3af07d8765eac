from axes.utils import reset
from django.contrib.auth import authenticate
from django.contrib.auth.forms import PasswordChangeForm, UserCreationForm
from django.core.exceptions import ValidationError
from django.views.decorators.debug import sensitive_variables

from users.models import User


class SignUpForm(UserCreationForm):
    """Tells whether a username is taken, as it must. Whether an e-mail address belongs to someone
    it does not: no one looks, and several may share one.
    """

    class Meta(UserCreationForm.Meta):  # whose field tells a phone not to capitalize the name
        model = User
        fields = ("username", "email")


class ChangePasswordForm(PasswordChangeForm):
    """Asks for the old password as a log-in does: whoever has taken over a session may guess at it
    no more often. Needs the ``request``.
    """

    def __init__(self, request, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.request = request

    @sensitive_variables("password")
    def clean_old_password(self):
        name, password = self.user.get_username(), self.cleaned_data["old_password"]
        if authenticate(self.request, username=name, password=password):
            reset(ip=self.request.axes_ip_address, username=name)
            return password
        raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
