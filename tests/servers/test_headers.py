"""Every response has exactly the security headers listed here; cookies are for this host only.

Health checks, which no browser reads, have none under ASGI: they are answered before the middleware.
"""

import re

import pytest

from tests.harness.bucket import HOSTS
from tests.harness.site import CSRF_COOKIE, PASSWORD, SESSION_COOKIE

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'{bucket}; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; upgrade-insecure-requests"
)
DISABLED_FEATURES = """
    accelerometer autoplay camera display-capture encrypted-media geolocation gyroscope hid
    idle-detection magnetometer microphone midi payment picture-in-picture screen-wake-lock
    serial usb xr-spatial-tracking
"""
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in DISABLED_FEATURES.split()),
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=3600",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The first helps only attackers; the second would let other sites read responses; the third
    # would block frames of other sites.
    "X-Powered-By": None,
    "Access-Control-Allow-Origin": None,
    "Cross-Origin-Embedder-Policy": None,
}
NONCE = re.compile(r" 'nonce-([\w-]{22})'")
# What an administrator asks for, by the status of the answer.
PAGES = {
    200: "/ /accounts/ /accounts/email/ /accounts/password/change/ /accounts/2fa/ /accounts/sessions/ "
    "/accounts/logout/ /robots.txt /admin/ /admin/users/user/ /admin/users/user/add/",
    301: "/admin",
    302: "/accounts/signup/ /favicon.ico",
    404: "/no/such/page",
}


@pytest.fixture
def check(project):
    """A function that compares a response with the list; a page may have added a nonce."""
    uses_bucket = project.answers["use_s3_media"]
    bucket = f" https://{HOSTS[project.answers['platform']]}" if uses_bucket else ""
    listed = HEADERS | {"Content-Security-Policy": POLICY.format(bucket=bucket)}

    def compare(response, status: int, hsts: str | None = "max-age=3600") -> None:
        found = {name: response.headers.get(name) for name in listed}
        found["Content-Security-Policy"] = NONCE.sub("", found["Content-Security-Policy"] or "")
        assert response.status_code == status, response.url
        assert found == listed | {"Strict-Transport-Security": hsts}, response.url

    return compare


@pytest.fixture(scope="module")
def admin(site, administrator):
    """A visitor who is logged in as a superuser."""
    with site.visitor() as visitor:
        assert visitor.log_in(administrator).is_redirect
        yield visitor


def test_every_response_has_the_security_headers(check, admin, site, visitor, extra_site):
    for status, paths in PAGES.items():
        for path in paths.split():
            check(admin.get(path), status)
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', admin.get("/").text)
    assert files
    for path in files:
        check(admin.get(path), 200)
    check(visitor.get("/", headers={"Host": "evil.example"}), 400)
    check(visitor.post("/accounts/login/", data={"username": "x"}), 403)
    check(visitor.get("/admin/"), 302)
    with site.visitor("http") as plain:
        check(plain.get("/"), 301, hsts=None)
    with visitor.coming_from("198.51.100.9"):
        for _ in range(5):
            answer = visitor.submit("/accounts/login/", login="no one", password="wrong")
    check(answer, 429)
    with extra_site.visitor() as other:
        # That site has every variable of HSTS.
        check(other.get("/extra/fail/"), 500, "max-age=31536000; includeSubDomains; preload")


def test_nonce_is_new_in_each_response(admin):
    pages = [admin.get("/admin/users/user/add/") for _ in range(2)]
    nonces = [set(NONCE.findall(page.headers["Content-Security-Policy"])) for page in pages]
    assert len(nonces[0] | nonces[1]) == 2
    for page, [nonce] in zip(pages, nonces, strict=True):
        assert page.text.count(f'nonce="{nonce}"') == page.text.count("nonce=") > 0
        for kind in ("script-src", "style-src"):
            assert f"{kind} 'self' 'nonce-{nonce}'" in page.headers["Content-Security-Policy"]


def test_cookies_are_for_this_host_and_https_only(visitor):
    login = visitor.get("/accounts/login/")
    sign_up = visitor.sign_up("has_cookies")
    new = {"password1": f"{PASSWORD}!", "password2": f"{PASSWORD}!"}
    change = visitor.submit("/accounts/password/change/", oldpassword=PASSWORD, **new)
    answers = (login, sign_up, change)
    cookies = [cookie for one in answers for cookie in one.headers.get_list("Set-Cookie")]
    assert {cookie.partition("=")[0] for cookie in cookies} == {SESSION_COOKIE, CSRF_COOKIE}
    for cookie in cookies:
        attributes = set(cookie.split("; ")[1:])
        assert {"Secure", "Path=/", "SameSite=Lax"} <= attributes, cookie
        assert not any(attribute.startswith("Domain") for attribute in attributes)
        assert ("HttpOnly" in attributes) == cookie.startswith(SESSION_COOKIE)
