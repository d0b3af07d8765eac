from allauth.account import views as account
from django.urls import include, path

from paas.accounts.views import AccountView, DeleteAccountView, SignUpView, UsernameView

urlpatterns = [
    path("", AccountView.as_view(), name="account"),
    path("username/", UsernameView.as_view(), name="account_username"),
    path("delete/", DeleteAccountView.as_view(), name="account_delete"),
    path("signup/", SignUpView.as_view(), name="account_signup"),
    path("", include("allauth.urls")),
    # Django's names, for reverse("login") and so on; requests match the routes above.
    path("login/", account.login, name="login"),
    path("logout/", account.logout, name="logout"),
    path("password/change/", account.password_change, name="password_change"),
]
