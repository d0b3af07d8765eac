"""Headers of responses, as a browser sees them behind the router."""

import http.client
import re

from rehearse.findings import Finding
from rehearse.router import Router
from rehearse.stage import Stage

HSTS = "Strict-Transport-Security"
# In the terms of the project's framework; others are told what must hold.
REDIRECT = {
    "django": "SECURE_SSL_REDIRECT = True and SECURE_PROXY_SSL_HEADER ="
    " ('HTTP_X_FORWARDED_PROTO', 'https')",
    "flask": "a function with @app.before_request returns redirect(request.url.replace('http:',"
    " 'https:', 1))",
    "starlette": "app.add_middleware(HTTPSRedirectMiddleware), and Uvicorn's"
    " --forwarded-allow-ips='*'",
}
SEND = {
    "django": "SECURE_HSTS_SECONDS = 31536000",
    "flask": "a function with @app.after_request sets it in response.headers",
    "starlette": 'a function with @app.middleware("http") sets it in response.headers',
}
SECURE = {
    "django": "SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True",
    "flask": "SESSION_COOKIE_SECURE = True",
    "starlette": "https_only=True of SessionMiddleware",
}


def check_headers(stage: Stage) -> Finding:
    path, found = stage.paths[0], Finding()
    plain = get(stage, path, "http")
    response = get(stage, path, "https")
    location = plain.getheader("Location", "")
    if plain.status not in (301, 302, 307, 308) or not location.startswith("https:"):
        found.fail(
            "plain HTTP is not redirected to https",
            stage.advice("Redirect to https when X-Forwarded-Proto is http", REDIRECT),
        )
    if not re.search(r"max-age=[1-9]", response.getheader(HSTS, "")):
        found.fail(f"no {HSTS}", stage.advice(f"Send '{HSTS}: max-age=31536000'", SEND))
    for cookie in response.msg.get_all("Set-Cookie", []):
        if not re.search(r";\s*secure\b", cookie, re.IGNORECASE):
            name = cookie.partition("=")[0]
            found.fail(
                f"cookie {name} is not Secure",
                stage.advice("Give each cookie the attribute Secure", SECURE),
            )
    for name in ("Server", "X-Powered-By"):
        if re.search(r"\d", value := response.getheader(name, "")):
            found.fail(f"{name}: {value} names a version", f"Do not send {name}.")
    found.text = found.text or "https redirect, HSTS, cookies Secure, no server version"
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
