from django.contrib import admin
from django.shortcuts import render
from django.urls import include, path


def home(request):
    return render(request, "home.html")


urlpatterns = [
    path("", home, name="home"),
    path("", include("paas.site.urls")),
    path("accounts/", include("paas.accounts.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "paas.site.views.bad_request"
handler403 = "paas.site.views.permission_denied"
handler404 = "paas.site.views.page_not_found"
handler500 = "paas.site.views.server_error"
