from paas.accounts import forms


class SignUpForm(forms.SignUpForm):
    """The sign-up form. Add fields here, and store them in ``signup()``:

    https://docs.allauth.org/en/latest/account/forms.html#signup
    """
