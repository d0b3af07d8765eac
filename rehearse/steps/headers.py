"""Headers of responses, as a browser sees them behind the router."""

import http.client
import re

from rehearse.findings import Finding
from rehearse.router import Router
from rehearse.stage import Stage

HSTS = "Strict-Transport-Security"


def check_headers(stage: Stage) -> Finding:
    web, path, found = stage.web, stage.paths[0], Finding()
    plain = get(stage, path, "http")
    response = get(stage, path, "https")
    location = plain.getheader("Location", "")
    if plain.status not in (301, 302, 307, 308) or not location.startswith("https:"):
        found.fail(
            "plain HTTP is not redirected to https",
            "Redirect when X-Forwarded-Proto is http: Django's SECURE_SSL_REDIRECT and"
            " SECURE_PROXY_SSL_HEADER.",
        )
    if not re.search(r"max-age=[1-9]", response.getheader(HSTS, "")):
        found.fail(f"no {HSTS}", f"Send {HSTS}: Django's SECURE_HSTS_SECONDS.")
    for cookie in response.msg.get_all("Set-Cookie", []):
        if not re.search(r";\s*secure\b", cookie, re.IGNORECASE):
            name = cookie.partition("=")[0]
            found.fail(
                f"cookie {name} is not Secure",
                "Set Django's SESSION_COOKIE_SECURE and CSRF_COOKIE_SECURE, or the framework's like.",
            )
    for name in ("Server", "X-Powered-By"):
        if re.search(r"\d", value := response.getheader(name, "")):
            found.fail(f"{name}: {value} names a version", f"Do not send {name}.")
    found.text = found.text or "https redirect, HSTS, cookies Secure, no server version"
    web.process.output()
    return found


def get(stage: Stage, path: str, scheme: str) -> http.client.HTTPResponse:
    """The response to a visitor who uses the scheme, through the platform's router."""
    with Router(stage.platform, stage.web.port, scheme) as router:
        connection = http.client.HTTPConnection("127.0.0.1", router.port, timeout=30)
        connection.request("GET", path, headers={"Host": stage.platform.host})
        response = connection.getresponse()
        response.read()
        connection.close()
    return response
