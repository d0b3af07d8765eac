from allauth.account import views as account
from django.urls import include, path

from users.views import AccountView, DeleteAccountView, SignUpView, UsernameView

urlpatterns = [
    path("", AccountView.as_view(), name="account"),
    path("username/", UsernameView.as_view(), name="account_username"),
    path("delete/", DeleteAccountView.as_view(), name="account_delete"),
    path("signup/", SignUpView.as_view(), name="account_signup"),
    path("", include("allauth.urls")),
    # The names of Django's own views, for templates and reverse(): requests match those above.
    path("signup/", SignUpView.as_view(), name="signup"),
    path("login/", account.login, name="login"),
    path("logout/", account.logout, name="logout"),
    path("password/change/", account.password_change, name="password_change"),
]
