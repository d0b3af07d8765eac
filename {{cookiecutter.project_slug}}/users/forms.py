from django.contrib.auth.forms import UserCreationForm

from users.models import User


class SignUpForm(UserCreationForm):
    """Tells whether a username is taken, as it must. Whether an e-mail address belongs to someone
    it does not: no one looks, and several may share one.
    """

    class Meta:
        model = User
        fields = ("username", "email")
