from django.conf import settings
from django.urls import path
from django.views.generic import RedirectView

from pages.views import HomeView

urlpatterns = [
    path("", HomeView.as_view(), name="home"),
    # Browsers request it on pages without <link rel="icon">, such as the admin's.
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}favicon.svg")),
]
