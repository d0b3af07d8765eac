"""Settings, from environment variables and ``.env``. The defaults are for production.

Django's: https://docs.djangoproject.com/en/stable/ref/settings/ Those of paas: vendor/django-paas/README.md
"""

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.utils.csp import CSP
from environs import Env, validate
from paas import logs
from paas.accounts.settings import *

# <%- if cookiecutter.__redis == "yes" +%>
from paas.db.redis import redis_url

# <%- endif +%>
from paas.db.url import database, is_pooled
from paas.env import bucket_options, bucket_origin, is_mail_url, mailers, read_env, sends_mail

BASE_DIR = Path(__file__).resolve().parent.parent

# load_settings() in manage.py reports all invalid variables together.
env = Env(eager=False)
read_env(env, BASE_DIR / env.str("ENV_FILE", ".env"))
at_least_0, at_least_1 = validate.Range(min=0), validate.Range(min=1)

SITE_NAME = "{{ cookiecutter.project_name }}"
SITE_DESCRIPTION = "{{ cookiecutter.description or '' }}"
# An address or URL for those who find a vulnerability: it appears in /.well-known/security.txt.
SECURITY_CONTACT = env.str("SECURITY_CONTACT", "")
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"

# DEBUG shows errors to everyone: the deploy checks reject it in production.
DEBUG = env.bool("DEBUG", False)
# Signs sessions and tokens. To rotate it: docs/operations.md.
SECRET_KEY = env.str("SECRET_KEY", "")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", [], subcast=str)
# Other host names get status 400. Add your domain before you point it here.
ALLOWED_HOSTS = [host.strip() for host in env.list("ALLOWED_HOSTS", [], subcast=str)]

# Add yours at the end. If two apps have the same template, the upper one wins.
INSTALLED_APPS = [
    "paas",
    # <% if cookiecutter.__interface == "asgi" %>
    "paas.asgi",
    # <% endif %>
    # <% if cookiecutter.__presence == "yes" %>
    "paas.presence",
    # <% endif %>
    # <% if cookiecutter.use_celery %>
    "paas.celery",
    # <% endif %>
    "paas.accounts",  # above allauth, whose templates it replaces
    "paas.accounts.apps.AdminConfig",  # django.contrib.admin with the site's login page
    "paas.site",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "axes",
    "pages",
    # <% if cookiecutter.__pictures == "yes" %>
    "pictures",
    # <% endif %>
    # <% if cookiecutter.__presence == "yes" %>
    "presence",
    # <% endif %>
    "users",
    # <% if cookiecutter.__welcome == "yes" %>
    "welcome",
    # <% endif %>
]
if find_spec("django_migration_linter"):  # of `make check`, in development only
    INSTALLED_APPS.append("django_migration_linter")

# Yours goes to the end, unless it must see each static file or health check. The order matters:
# https://docs.djangoproject.com/en/stable/ref/middleware/#middleware-ordering
MIDDLEWARE = [
    # The first three set headers, so that redirects, static files and error pages have them.
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "paas.site.headers.SecurityHeadersMiddleware",
    "paas.platforms.proxy_headers.ClientAddressMiddleware",
    "paas.logs.requests.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "paas.site.health.HealthCheckMiddleware",
    "paas.site.middleware.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",  # need not be last: paas responds to lockouts
    "paas.db.timeouts.StatementTimeoutMiddleware",
]

ROOT_URLCONF = "config.urls"
# The admin's path. Bots try "admin/" on every site; another path keeps them out of the log.
admin_path = validate.Regexp(r"([\w-]+/)+\Z", error="Must be a path, such as 'back-office/'.")
ADMIN_PATH = env.str("ADMIN_PATH", "admin/", validate=admin_path)
# <% if cookiecutter.__interface == "asgi" %>
ASGI_APPLICATION = "config.asgi.application"
# <% else %>
WSGI_APPLICATION = "config.wsgi.application"
# <% endif %>

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "paas.site.context_processors.site",
            ],
        },
    },
]

# Module with the platform's proxy headers and CLI hints.
PLATFORM = "paas.platforms.{{ cookiecutter.platform }}"
# How many proxies of yours, such as a CDN, are in front of the platform's router. Too low: all
# visitors share one login limit. Too high: clients can forge their address.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0, validate=at_least_0)
# What /readyz asks. Add a function that returns "ok", or raises, for a service that you depend on.
READINESS_PROBES = {
    "database": "paas.site.health.probe_database",
    # <% if cookiecutter.__redis == "yes" %>
    "redis": "paas.site.health.probe_redis",
    # <% endif %>
}

# <% if cookiecutter.server == "wsgi-gunicorn" %>
# Threads per process. Raise it if slow uploads hold them all; it costs memory, not database
# connections (DATABASE_POOL_SIZE).
WEB_THREADS = env.int("WEB_THREADS", 16, validate=at_least_1)
WEB_PROCESSES = env.int("WEB_CONCURRENCY", 1, validate=at_least_1)
# <% elif cookiecutter.server == "wsgi-waitress" %>
# Threads of the web process, as --threads in its command. Each has a database connection.
WEB_THREADS = env.int("WEB_THREADS", 8, validate=at_least_1)
# <% else %>
# Threads per process for synchronous views, each with a database connection: docs/scaling.md.
WEB_THREADS = env.int("WEB_THREADS", 4, validate=at_least_1)
# Requests that may wait for a thread; others get a 503 at once. Lower it if your pages are slow.
MAX_QUEUED_REQUESTS = env.int("MAX_QUEUED_REQUESTS", 500, validate=at_least_1)
# Bytes of an upload in memory. Django's default of 2.5 MB would fill an instance with 200 slow uploads.
FILE_UPLOAD_MAX_MEMORY_SIZE = 65536
# <% endif %>
# Bytes of a request body; a larger one gets status 413. One view may take more: @max_body_size.
MAX_BODY_SIZE = env.int("MAX_BODY_SIZE", 10_000_000, validate=at_least_1)

# DATABASE_URL, with TLS and persistent connections. Behind PgBouncer: docs/scaling.md.
DATABASES = {"default": database(env, DEBUG)}
DATABASE_IS_POOLED = is_pooled(env)
# <% if cookiecutter.server == "wsgi-gunicorn" %>
# In a web process the threads share this many connections, by a psycopg pool in place of persistent
# connections; 0: each thread has its own. Not used behind PgBouncer.
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", 4, validate=at_least_0)
# <% endif %>
# Connections that the database's plan allows. A release fails if one instance could open more.
DATABASE_CONNECTION_LIMIT = env.int("DATABASE_CONNECTION_LIMIT", 20, validate=at_least_1)
# PostgreSQL cancels a web process's query after these seconds (503); 0: never. Keep it below the
# router's limit ({{ "30 s on Heroku" if cookiecutter.platform == "heroku" else "100 s on App Platform" }}), after which the query would run on unseen.
STATEMENT_TIMEOUT = env.int("STATEMENT_TIMEOUT", 20, validate=at_least_0)

# <% if cookiecutter.__redis == "yes" %>
# Redis. Over TLS the client verifies the certificate, unless the platform's is self-signed.
REDIS_URL = redis_url(env, PLATFORM)
# <% if cookiecutter.__interface == "asgi" %>
# Groups of WebSockets. In memory they reach one process only: production needs Redis.
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
if REDIS_URL:
    CHANNEL_LAYERS["default"] = {"BACKEND": "paas.asgi.channel_layer.ChannelLayer"}
# <% endif %>

# <% endif %>
# <% if cookiecutter.use_celery %>
# Celery, whose other settings are in paas.celery.config. A worker with two processes fits in 512 MB.
WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", 2, validate=at_least_1)
# Seconds after which a task is ended: more than your longest one takes.
TASK_TIME_LIMIT = 300
TASKS = {"default": {"BACKEND": "paas.celery.backend.CeleryBackend"}}  # of django.tasks

# <% endif %>
# Mail. Without EMAIL_URL none is sent, and development prints it. For a service's API set MAILERS here.
EMAIL_URL = env.str("EMAIL_URL", "", validate=is_mail_url)
MAILERS = mailers(EMAIL_URL, DEBUG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "webmaster@localhost")

# Accounts, by django-allauth and django-axes. paas.accounts.settings, imported above, has their other
# settings, such as the rate limits: one of the same name here replaces it. https://docs.allauth.org/
AUTH_USER_MODEL = "users.User"
LOGIN_REDIRECT_URL = "{{ 'presence' if cookiecutter.__presence == 'yes' else 'home' }}"
LOGOUT_REDIRECT_URL = "home"
# "closed": the admin invites people, or `createsuperuser` makes an account.
SIGN_UP = env.str("SIGN_UP", "open", validate=validate.OneOf(["open", "closed"]))
# Whether the admin opens only after login with a second factor, or a passkey.
STAFF_NEEDS_SECOND_FACTOR = env.bool("STAFF_NEEDS_SECOND_FACTOR", False)
# Whether an address is confirmed before the first login: "mandatory" needs mail.
ACCOUNT_EMAIL_VERIFICATION = env.str(
    "ACCOUNT_EMAIL_VERIFICATION",
    "mandatory" if sends_mail(MAILERS) else "optional",
    validate=validate.OneOf(["mandatory", "optional", "none"]),
)
email_field = "email*" if ACCOUNT_EMAIL_VERIFICATION == "mandatory" else "email"
ACCOUNT_SIGNUP_FIELDS = ["username*", email_field, "password1*", "password2*"]
ACCOUNT_EMAIL_SUBJECT_PREFIX = f"[{SITE_NAME}] "
MFA_TOTP_ISSUER = SITE_NAME
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG  # passkeys at http://localhost

# A table that `migrate` creates: the rate limits of accounts count in it. For cached pages add another.
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    },
}

# WhiteNoise: the build puts a hash into the names of static files, so browsers keep them forever.
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False  # no Access-Control-Allow-Origin: *
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "paas.storage.static.StaticFiles"},
}
if DEBUG:
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}

# Content Security Policy. To allow a third-party script, add its origin to "script-src".
SECURE_CSP: dict[str, Any] = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "upgrade-insecure-requests": not DEBUG,
}

# Uploads are in a bucket, or in development in MEDIA_ROOT, as platforms delete local files.
MEDIA_ROOT = BASE_DIR / "media"
MEDIA_URL = "/media/"
BUCKET = bucket_options(env, PLATFORM)
if BUCKET["bucket_name"]:
    STORAGES["default"] = {"BACKEND": "paas.storage.bucket.Bucket", "OPTIONS": BUCKET}
    SECURE_CSP["img-src"] += [bucket_origin(BUCKET)]

if not DEBUG:
    # HTTPS. The platform's router ends TLS, and replaces this header if a client sends it.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$"]  # health checks use plain HTTP
    # __Host-: browsers take such a cookie from this host only, and over HTTPS only.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True  # no __Host-: scripts read it by its name, "csrftoken"
    # Seconds for which browsers use HTTPS only. Raise it once HTTPS works: .env.example has the steps.
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 3600, validate=at_least_1)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", False)
    SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", False)

SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS for all subdomains, which may be other sites
    "security.W021",  # the same, for browsers' preload list
    "security.W019",  # X_FRAME_OPTIONS may be "SAMEORIGIN"; frame-ancestors of SECURE_CSP is stricter
    "mail.W001",  # paas.checks.mail reports it: a site may go live without mail
]

# Logs are JSON lines on stdout; in development, columns. Errors go to Sentry if SENTRY_DSN is set.
LOGGING = logs.configuration(env.log_level("LOG_LEVEL", logging.INFO), as_json=not DEBUG)
SENTRY_DSN = env.str("SENTRY_DSN", "")
