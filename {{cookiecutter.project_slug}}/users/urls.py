from django.urls import include, path

from users.views import AccountView, DeleteAccountView, SignUpView

urlpatterns = [
    path("", AccountView.as_view(), name="account"),
    path("delete/", DeleteAccountView.as_view(), name="account_delete"),
    path("signup/", SignUpView.as_view(), name="account_signup"),
    path("", include("allauth.urls")),
]
