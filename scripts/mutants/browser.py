"""Mutants of "In the browser"."""

from scripts.mutants.row import PROJECT, WAITRESS, by_project, by_template

SETTINGS = "config/settings.py"
HEADERS = "paas/tests/test_headers.py::test_every_response_has_the_security_headers"

CSP = "Content Security Policy: own files only, nothing inline but by nonce, no frames"
SNIFFING = "no sniffing, framing or referrer; opener and resource policies"
NOT_STORED = "pages that name a person are not stored"
FEATURES = "no camera, microphone or other feature"
EVERYWHERE = "the same on redirects, files, health checks and errors"
FORMS = "forms of other sites are refused"
WORKS = "pages, sockets and the admin work under it"
HTTPS = "HTTPS only, and HSTS to be raised by the environment"
HOST_COOKIES = "cookies for this host and HTTPS only, by their `__Host-` names"
COOKIES = "test_headers.py::test_cookies_are_for_this_very_host_and_https_only"

MUTANTS = (
    by_project(CSP, SETTINGS, '"default-src": [CSP.NONE]', '"default-src": [CSP.SELF]', HEADERS),
    by_project(
        CSP,
        SETTINGS,
        '"script-src": [CSP.SELF, CSP.NONCE]',
        '"script-src": [CSP.SELF, CSP.UNSAFE_INLINE]',
        HEADERS,
    ),
    by_project(
        CSP,
        SETTINGS,
        '"frame-ancestors": [CSP.NONE]',
        '"frame-ancestors": [CSP.SELF]',
        HEADERS,
    ),
    by_project(
        CSP, SETTINGS, '"django.middleware.csp.ContentSecurityPolicyMiddleware",', "", HEADERS
    ),
    by_project(
        SNIFFING, SETTINGS, '"django.middleware.clickjacking.XFrameOptionsMiddleware",', "", HEADERS
    ),
    by_project(
        SNIFFING,
        SETTINGS,
        '"django.middleware.security.SecurityMiddleware",',
        "",
        HEADERS,
    ),
    by_project(
        SNIFFING,
        "paas/headers.py",
        '"Cross-Origin-Resource-Policy": "same-origin"',
        '"Cross-Origin-Resource-Policy": "cross-origin"',
        HEADERS,
    ),
    by_project(
        NOT_STORED,
        "paas/headers.py",
        '            response.headers["Cache-Control"] = NOT_STORED\n',
        "            pass\n",
        "paas/tests/test_headers.py::test_pages_that_name_the_user_are_not_stored",
    ),
    by_project(FEATURES, "paas/headers.py", "autoplay camera display-capture", "", HEADERS),
    by_project(
        EVERYWHERE,
        SETTINGS,
        "MIDDLEWARE = [",
        'MIDDLEWARE = [\n    "paas.health.HealthCheckMiddleware",',
        HEADERS,
    ),
    by_project(
        EVERYWHERE,
        SETTINGS,
        "MIDDLEWARE = [",
        'MIDDLEWARE = [\n    "paas.middleware.StaticFilesMiddleware",',
        HEADERS,
    ),
    by_project(
        EVERYWHERE,
        SETTINGS,
        "WHITENOISE_ALLOW_ALL_ORIGINS = False",
        "WHITENOISE_ALLOW_ALL_ORIGINS = True",
        HEADERS,
    ),
    by_project(
        FORMS,
        SETTINGS,
        '"django.middleware.csrf.CsrfViewMiddleware",',
        "",
        "tests/test_users.py::test_a_form_of_another_site_is_refused",
    ),
    by_template(
        CSP,
        f"{PROJECT}/{SETTINGS}",
        '"script-src": [CSP.SELF, CSP.NONCE]',
        '"script-src": [CSP.SELF]',
        "test_headers.py::test_a_nonce_is_the_page_s_own_and_never_the_same",
        answers=WAITRESS,
    ),
    by_template(
        WORKS,
        f"{PROJECT}/templates/base.html",
        "</head>",
        "<style>p { margin: 0 }</style></head>",
        "test_browser.py::test_pages_work_without_a_complaint",
        answers=WAITRESS,
    ),
    by_template(
        HTTPS,
        f"{PROJECT}/{SETTINGS}",
        '["^healthz$", "^readyz$"]',
        '[""]',
        "test_boot.py::test_plain_http_is_redirected",
        answers=WAITRESS,
    ),
    by_template(
        HTTPS,
        f"{PROJECT}/{SETTINGS}",
        '"SECURE_HSTS_SECONDS", 3600',
        '"HSTS_SECONDS", 3600',
        "test_headers.py::test_an_error_page_has_them_and_hsts_is_raised_by_the_environment",
        answers=WAITRESS,
    ),
    by_template(
        HOST_COOKIES,
        f"{PROJECT}/{SETTINGS}",
        '"__Host-sessionid"',
        '"sessionid"',
        COOKIES,
        answers=WAITRESS,
    ),
    by_template(
        HOST_COOKIES,
        f"{PROJECT}/{SETTINGS}",
        '"__Host-csrftoken"',
        '"csrftoken"',
        COOKIES,
        answers=WAITRESS,
    ),
)
