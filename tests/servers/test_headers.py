"""Every answer of a site bears the security headers on a written list, and no others' cookies."""

import re

import pytest

from rehearsal.bucket import HOSTS
from rehearsal.combinations import SERVERS, for_combinations, is_asgi
from rehearsal.site import CSRF_COOKIE, PASSWORD, SESSION_COOKIE

pytestmark = for_combinations(SERVERS)

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "upgrade-insecure-requests": "",
}
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
}
# The first helps only an intruder; the second would let all sites in; the third would keep out
# frames of other sites, as docs/decisions/0030 says.
ABSENT = ("X-Powered-By", "Access-Control-Allow-Origin", "Cross-Origin-Embedder-Policy")


NONCE = re.compile(r" 'nonce-([\w-]{22})'")


@pytest.fixture(scope="session")
def check(project):
    """Compare a response with the list, but for these changes; a page may have added a nonce."""
    policy = dict(POLICY)
    if project.answers["use_s3_media"]:
        policy["img-src"] += f" https://{HOSTS[project.answers['platform']]}"
    line = "; ".join(f"{name} {value}".strip() for name, value in policy.items())
    listed = HEADERS | {"Content-Security-Policy": line}

    def compare(response, status: int, **changes: str | None) -> None:
        expected = listed | {name.replace("_", "-"): value for name, value in changes.items()}
        found = {name: response.headers.get(name) for name in listed}
        found["Content-Security-Policy"] = NONCE.sub("", found["Content-Security-Policy"] or "")
        assert response.status_code == status
        assert found == expected
        assert [name for name in ABSENT if name in response.headers] == []

    return compare


@pytest.fixture(scope="session")
def administrator(site, deployment):
    """A visitor who is logged in and may do everything."""
    script = f"""
from users.models import User
User.objects.create_superuser("administrator", password={PASSWORD!r})
"""
    deployment.run_script(script)
    with site.visitor() as visitor:
        assert visitor.log_in("administrator").is_redirect
        yield visitor


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/accounts/signup/", 302),
        ("/accounts/", 200),
        ("/accounts/email/", 200),
        ("/accounts/password/change/", 200),
        ("/accounts/2fa/", 200),
        ("/accounts/sessions/", 200),
        ("/accounts/logout/", 200),
        ("/robots.txt", 200),
        ("/admin/", 200),
        ("/admin/users/user/", 200),
        ("/admin/users/user/add/", 200),
        ("/admin", 301),
        ("/favicon.ico", 302),
        ("/no/such/page", 404),
        ("/healthz", 200),
        ("/readyz", 200),
    ],
)
def test_every_response_has_the_security_headers(check, administrator, path, status):
    check(administrator.get_with_retries(path), status)


def test_pages_that_name_a_person_are_not_stored(administrator, visitor):
    for path in ("/", "/accounts/password/", "/admin/", "/no/such/page"):
        assert "no-store" in administrator.get(path).headers["Cache-Control"], path
    assert "Cache-Control" not in visitor.get("/").headers
    [style] = re.findall(r'href="(/static/site[^"]+)"', administrator.get("/").text)
    assert "immutable" in administrator.get(style).headers["Cache-Control"]


def test_a_nonce_is_the_page_s_own_and_never_the_same(administrator):
    pages = [administrator.get("/admin/users/user/add/") for _ in range(2)]
    nonces = [set(NONCE.findall(page.headers["Content-Security-Policy"])) for page in pages]
    assert len(nonces[0] | nonces[1]) == 2
    for page, [nonce] in zip(pages, nonces, strict=True):
        assert page.text.count(f'nonce="{nonce}"') == page.text.count("nonce=") > 0
        for kind in ("script-src", "style-src"):
            assert f"{kind} 'self' 'nonce-{nonce}'" in page.headers["Content-Security-Policy"]


def test_pages_and_files_have_them_that_only_some_projects_have(check, administrator, project):
    check(administrator.get("/presence/"), 200 if is_asgi(project.answers) else 404)
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', administrator.get("/").text):
        check(administrator.get(path), 200)


def test_refusals_have_them(check, site, visitor):
    check(visitor.get("/", headers={"Host": "evil.example"}), 400)
    check(visitor.post("/accounts/login/", data={"username": "x"}), 403)
    check(visitor.get("/admin/"), 302)
    with site.visitor("http") as plain:
        check(plain.get("/"), 301, Strict_Transport_Security=None)
        check(plain.get("/healthz"), 200, Strict_Transport_Security=None)
    guesses = [
        visitor.submit("/accounts/login/", login="no one", password="wrong") for _ in range(5)
    ]
    check(guesses[-1], 429)


# What a project's own mistake looks like.
FAULTY_SETTINGS = """
from config.settings import *
ROOT_URLCONF = "faulty_urls"
"""
FAULTY_URLS = """
from config.urls import *
urlpatterns.append(path("fault/", lambda request: 1 / 0))
"""


def test_an_error_page_has_them_and_hsts_is_raised_by_the_environment(check, deployment, tmp_path):
    (tmp_path / "faulty_settings.py").write_text(FAULTY_SETTINGS)
    (tmp_path / "faulty_urls.py").write_text(FAULTY_URLS)
    changes = {
        "DJANGO_SETTINGS_MODULE": "faulty_settings",
        "PYTHONPATH": str(tmp_path),
        "SECURE_HSTS_SECONDS": "31536000",
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": "true",
        "SECURE_HSTS_PRELOAD": "true",
    }
    with deployment.site(**changes) as site, site.visitor() as visitor:
        response = visitor.get("/fault/")
    preloaded = "max-age=31536000; includeSubDomains; preload"
    check(response, 500, Strict_Transport_Security=preloaded)
    assert "Something went wrong" in response.text


def test_cookies_are_for_this_very_host_and_https_only(site):
    with site.visitor() as visitor:
        cookies = visitor.get("/accounts/login/").headers.get_list("Set-Cookie")
        answer = visitor.sign_up("has_cookies")
        cookies += answer.headers.get_list("Set-Cookie")
        answers = {"oldpassword": PASSWORD, "password1": f"{PASSWORD}!"}
        answers["password2"] = answers["password1"]
        cookies += visitor.submit("/accounts/password/change/", **answers).headers.get_list(
            "Set-Cookie"
        )
    assert {cookie.partition("=")[0] for cookie in cookies} == {SESSION_COOKIE, CSRF_COOKIE}
    for cookie in cookies:
        attributes = set(cookie.split("; ")[1:])
        assert {"Secure", "Path=/", "SameSite=Lax"} <= attributes, cookie
        assert not any(attribute.startswith("Domain") for attribute in attributes)
        assert ("HttpOnly" in attributes) == cookie.startswith(SESSION_COOKIE)
