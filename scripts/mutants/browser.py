"""Mutants of "In the browser"."""

from mutants.row import by_project

SETTINGS = "config/settings.py"
HEADERS = "test_headers.py::test_every_answer_has_the_headers"

CSP = "Content Security Policy: own files only, nothing inline but by nonce, no frames"
SNIFFING = "no sniffing, framing or referrer; opener, embedder and resource policies"
FEATURES = "no camera, microphone or other feature"
EVERYWHERE = "the same on redirects, files, health checks and errors"
FORMS = "forms of other sites are refused"

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
    by_project(SNIFFING, SETTINGS, '"DENY"', '"SAMEORIGIN"', HEADERS),
    by_project(
        SNIFFING,
        SETTINGS,
        '"django.middleware.security.SecurityMiddleware",',
        "",
        HEADERS,
    ),
    by_project(SNIFFING, "config/headers.py", '"credentialless"', '"unsafe-none"', HEADERS),
    by_project(
        SNIFFING,
        "config/headers.py",
        '"Cross-Origin-Resource-Policy": "same-origin"',
        '"Cross-Origin-Resource-Policy": "cross-origin"',
        HEADERS,
    ),
    by_project(FEATURES, "config/headers.py", "autoplay camera display-capture", "", HEADERS),
    by_project(
        EVERYWHERE,
        SETTINGS,
        "MIDDLEWARE = [",
        'MIDDLEWARE = [\n    "config.health.HealthCheckMiddleware",',
        HEADERS,
    ),
    by_project(
        EVERYWHERE,
        SETTINGS,
        "MIDDLEWARE = [",
        'MIDDLEWARE = [\n    "config.middleware.StaticFilesMiddleware",',
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
        "test_users.py::test_a_form_of_another_site_is_refused",
    ),
)
