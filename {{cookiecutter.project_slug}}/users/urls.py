from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from users.views import ChangePasswordView, SignUpView


def titled(view, title: str):
    """``view`` rendering our one form template under ``title``, which also names its button."""
    return view.as_view(template_name="users/form.html", extra_context={"title": title})


urlpatterns = [
    path("signup/", titled(SignUpView, "Sign up"), name="signup"),
    path("login/", titled(LoginView, "Log in"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", titled(ChangePasswordView, "Change password"), name="password_change"),
]
