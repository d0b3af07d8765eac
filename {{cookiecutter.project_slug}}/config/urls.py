from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from paas.site.handlers import handler400, handler403, handler404, handler500  # noqa: F401 (Django's names)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("pages.urls")),
    path("", include("paas.site.urls")),  # robots.txt, security.txt
    path("accounts/", include("paas.accounts.urls")),
    # <% if cookiecutter.__presence == "yes" %>
    path("presence/", include("presence.urls")),
    # <% endif %>
    path("", include("paas.storage.media")),  # development's uploads
    # <% if cookiecutter.__pictures == "yes" %>
    path("picture/", include("pictures.urls")),
    # <% endif %>
    path(settings.ADMIN_PATH, admin.site.urls),
]
