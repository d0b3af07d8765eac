from django.contrib import admin
from django.http import HttpResponse
from django.urls import include, path
from django.views.generic import RedirectView


def home(request):
    return HttpResponse(f"Hello {request.user}")


urlpatterns = [
    path("", home, name="home"),
    path("favicon.ico", RedirectView.as_view(url="/static/favicon.svg")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]
