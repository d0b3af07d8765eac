from django.contrib.auth.forms import UserCreationForm

from users.models import User


class SignUpForm(UserCreationForm):
    """Tells whether a username is taken, as it must. Whether an e-mail address belongs to someone
    it does not: no one looks, and several may share one.
    """

    class Meta(UserCreationForm.Meta):  # whose field tells a phone not to capitalize the name
        model = User
        fields = ("username", "email")
