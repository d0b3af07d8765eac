"""Small pages of every site, and pages of errors."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.template.loader import render_to_string
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import reverse
from django.utils.translation import override

from paas.site.views import server_error


@pytest.mark.parametrize("name", ["account_login", "account_signup"])
def test_visitors_see_the_site_s_name_and_are_offered_an_account(client, db, name, settings):
    settings.SITE_NAME = "Books & more"
    page = client.get(reverse(name)).text
    assert "Books &amp; more</title>" in page
    assert reverse("account_signup") in page


def test_security_txt_names_the_contact(client, settings):
    assert client.get("/.well-known/security.txt").status_code == 404
    settings.SECURITY_CONTACT = "security@example.com"
    text = client.get("/.well-known/security.txt").text
    assert "Contact: mailto:security@example.com\n" in text
    assert "Expires: 20" in text


@pytest.mark.parametrize("path", ["/robots.txt", "/.well-known/security.txt"])
def test_pages_for_robots_need_no_login_and_take_no_form(client, settings, path):
    settings.SECURITY_CONTACT = "security@example.com"
    everywhere = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, everywhere]
    assert client.get(path).status_code == 200
    assert client.post(path).status_code == 405


def test_a_host_that_is_not_allowed_gets_the_page_400(client, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    with override("de"):
        response = client.get("/", headers={"host": "evil.example"})
    assert response.status_code == 400
    assert '<html lang="de">' in response.text
    assert "did not understand this request" in response.text


def test_an_unknown_url_gets_the_page_404(client, user):
    client.force_login(user)
    response = client.get("/no/such/page")
    assert response.status_code == 404
    assert "There is nothing at this address" in response.text


def test_the_page_500_renders_without_a_request():
    assert "Something went wrong" in render_to_string("500.html")


FORM = "application/x-www-form-urlencoded"
# Of forms that Django rejects: the Content-Type, and the body.
UNPARSABLE = {
    "charset": (f"{FORM}; charset=utf-16", b"a=b"),
    "no boundary": ("multipart/form-data", b"a"),
    "fields": (FORM, b"&".join([b"a=b"] * 1500)),
    "size": (FORM, b"a" * 3_000_000),
    "files": (
        MULTIPART_CONTENT,
        encode_multipart(
            BOUNDARY, {f"file{number}": SimpleUploadedFile("a", b"a") for number in range(300)}
        ),
    ),
}
# Python knows these, but decodes no form by them.
IGNORED = {
    charset: (f"{MULTIPART_CONTENT}; charset={charset}", encode_multipart(BOUNDARY, {"a": "b"}))
    for charset in ("zlib", "idna", "undefined")
}


@pytest.mark.parametrize("path", ["/accounts/login/", "/no/such/page"])
@pytest.mark.parametrize("name", [*UNPARSABLE, *IGNORED])
def test_a_form_that_cannot_be_parsed_is_no_error_of_the_site(path, name, db):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.cookies["csrftoken"] = token = 32 * "a"
    content_type, body = (UNPARSABLE | IGNORED)[name]
    response = client.generic("POST", path, body, content_type, headers={"X-CSRFToken": token})
    expected = {400, 404} if path == "/no/such/page" else {400, 403, 413}
    if name in IGNORED:
        expected = {200, 404}
    assert response.status_code in expected
    assert response["X-Request-ID"]


def test_an_error_page_for_want_of_a_connection_has_status_503(rf):
    class Timeout(Exception):
        """As psycopg_pool.PoolTimeout, which not every site has."""

    pool: Any = SimpleNamespace(PoolTimeout=Timeout)
    pool = sys.modules.setdefault("psycopg_pool", pool)
    for cause, status in ((pool.PoolTimeout(), 503), (ConnectionError(), 500)):
        try:
            raise OperationalError from cause
        except OperationalError:
            assert server_error(rf.get("/")).status_code == status
