"""Security headers, which every response has."""

import pytest
from django.http import HttpResponse
from django.urls import include, path
from django.utils.csp import build_policy

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


OWN_POLICIES = {"/accounts/": {"default-src": "a"}, "accounts/l": {"default-src": "c"}}
OWN_POLICIES["accounts/login"] = {"default-src": "b"}


def test_a_policy_holds_for_all_pages_below_its_path(client, settings):
    settings.CSP_BY_PATH = OWN_POLICIES
    paths = ("/accounts/signup/", "/accounts/login/", "/accounts/none/", "/")
    found = [client.get(path).headers["Content-Security-Policy"] for path in paths]
    assert found[:3] == ["default-src a", "default-src b", "default-src a"]
    assert found[3] == build_policy(settings.SECURE_CSP)
