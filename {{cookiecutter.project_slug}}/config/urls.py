from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("pages.urls")),
    path("accounts/", include("users.urls")),
    # <% if cookiecutter.__interface == "asgi" %>
    path("presence/", include("presence.urls")),
    # <% endif %>
    path("admin/", admin.site.urls),
]
