"""Security headers, which every response has."""

import re

import pytest
from django.conf import settings

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Embedder-Policy": "credentialless",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/accounts/email/", 200),
        (f"/{settings.ADMIN_PATH}", 200),
        ("/accounts/logout/", 200),
        ("/favicon.ico", 302),
        ("/static/site.css", 200),
        ("/no/such/page", 404),
        ("/healthz", 200),
    ],
)
def test_every_response_has_the_security_headers(admin_client, path, status):
    response = admin_client.get(path)
    response.close()  # a static file is open until then
    assert response.status_code == status
    found = {name: response.headers.get(name, "") for name in HEADERS}
    # The admin's pages use nonces.
    policy = re.sub(r" 'nonce-[\w-]+'", "", found["Content-Security-Policy"])
    assert found | {"Content-Security-Policy": policy} == HEADERS
    assert "camera=()" in response.headers["Permissions-Policy"]
    assert "Access-Control-Allow-Origin" not in response.headers
