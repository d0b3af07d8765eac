"""Security headers, which every response has."""

import pytest
from django.http import HttpResponse
from django.urls import include, path

from paas.site.headers import headers


def test_pages_that_name_the_user_are_not_stored(client, admin_client):
    assert "Cache-Control" not in client.get("/").headers
    assert admin_client.get("/").headers["Cache-Control"] == "no-store, private"
    response = admin_client.get("/static/admin/css/base.css")
    response.close()
    assert "no-store" not in response.headers["Cache-Control"]


OWN_HEADERS = {"Cross-Origin-Resource-Policy": "cross-origin", "Cache-Control": "max-age=60"}
urlpatterns = [
    path("own/", lambda request: HttpResponse(request.user, headers=OWN_HEADERS)),
    path("", include("example.urls")),
]


@pytest.mark.urls(__name__)
def test_a_header_that_the_view_sets_is_kept(admin_client):
    found = admin_client.get("/own/").headers
    assert {name: found[name] for name in OWN_HEADERS} == OWN_HEADERS


def test_a_setting_allows_a_feature(settings):
    settings.PERMISSIONS_POLICY = {"camera": "self"}
    policy = headers()["Permissions-Policy"]
    assert "camera=(self)" in policy
    assert "microphone=()" in policy
