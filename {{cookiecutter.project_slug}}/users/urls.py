from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from users.views import ChangePasswordView, SignUpView


def form_view(view, title: str):
    """The view with the template of all forms; ``title`` is its heading and its button."""
    return view.as_view(template_name="users/form.html", extra_context={"title": title})


urlpatterns = [
    path("signup/", form_view(SignUpView, "Sign up"), name="signup"),
    path("login/", form_view(LoginView, "Log in"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", form_view(ChangePasswordView, "Change password"), name="password_change"),
]
