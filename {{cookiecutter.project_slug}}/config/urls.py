from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("pages.urls")),
    path("", include("paas.site.urls")),  # robots.txt, security.txt
    path("accounts/", include("paas.accounts.urls")),
    # <% if cookiecutter.__interface == "asgi" %>
    path("presence/", include("presence.urls")),
    # <% endif %>
    path("", include("paas.storage.media")),  # uploads, without a bucket
    # <% if cookiecutter.use_s3_media %>
    path("picture/", include("pictures.urls")),
    # <% endif %>
    path(settings.ADMIN_PATH, admin.site.urls),
]

handler400 = "paas.site.views.bad_request"
handler403 = "paas.site.views.permission_denied"
handler404 = "paas.site.views.page_not_found"
handler500 = "paas.site.views.server_error"
