from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", include("pages.urls")),
    path("accounts/", include("users.urls")),
    # <% if cookiecutter.__interface == "asgi" %>
    path("presence/", include("presence.urls")),
    # <% endif %>
    # <% if cookiecutter.use_s3_media %>
    path("", include("paas.media")),
    path("picture/", include("pictures.urls")),
    # <% endif %>
    # The admin's own form has no lockout: ChangePasswordForm in users/forms.py has one.
    path(
        f"{settings.ADMIN_PATH}password_change/",
        RedirectView.as_view(pattern_name="account_change_password"),
    ),
    path(settings.ADMIN_PATH, admin.site.urls),
]

handler500 = "pages.views.server_error"
