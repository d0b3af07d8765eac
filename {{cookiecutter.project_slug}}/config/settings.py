"""Settings, from environment variables and ``.env``. The defaults are for production."""

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.utils.csp import CSP
from environs import Env, validate
from paas import logs
from paas.db.url import database, is_pooled
from paas.env import bucket_options, bucket_origin, is_mail_url, smtp_options

from config.accounts import *

BASE_DIR = Path(__file__).resolve().parent.parent

# Environment variables: https://github.com/sloria/environs
# `eager=False`: invalid variables are collected, and reported together by `env.seal()` at the end.
env = Env(eager=False)
env.read_env(BASE_DIR / env.str("ENV_FILE", ".env"), recurse=False)
at_least_1 = validate.Range(min=1)

# The site: https://docs.djangoproject.com/en/stable/howto/deployment/checklist/
SITE_NAME = "{{ cookiecutter.project_name }}"
SITE_DESCRIPTION = "{{ cookiecutter.description or '' }}"
SECURITY_CONTACT = env.str("SECURITY_CONTACT", "")  # for /.well-known/security.txt
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", [], subcast=str)  # older ones
ALLOWED_HOSTS = [host.strip() for host in env.list("ALLOWED_HOSTS", [], subcast=str)]
if DEBUG and not ALLOWED_HOSTS:
    ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

# Apps: https://docs.djangoproject.com/en/stable/ref/applications/
INSTALLED_APPS = [
    "paas",
    # <% if cookiecutter.__interface == "asgi" %>
    "paas.asgi",
    "paas.presence",
    # <% endif %>
    # <% if cookiecutter.use_celery %>
    "paas.celery",
    # <% endif %>
    "paas.accounts",  # above allauth, whose templates it replaces
    "paas.accounts.apps.AdminConfig",
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
    # <% if cookiecutter.use_s3_media %>
    "pictures",
    # <% endif %>
    # <% if cookiecutter.__interface == "asgi" %>
    "presence",
    # <% endif %>
    "users",
    # <% if cookiecutter.use_celery %>
    "welcome",
    # <% endif %>
]

# Linter of migrations, for `make check`: https://github.com/3YOURMIND/django-migration-linter
if find_spec("django_migration_linter"):
    INSTALLED_APPS.append("django_migration_linter")

# Middleware: https://docs.djangoproject.com/en/stable/ref/middleware/#middleware-ordering
MIDDLEWARE = [
    # Set headers: first, so that redirects, static files and error pages have them too.
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
    "axes.middleware.AxesMiddleware",
    "paas.db.timeouts.StatementTimeoutMiddleware",
]

# URLs: https://docs.djangoproject.com/en/stable/topics/http/urls/
ROOT_URLCONF = "config.urls"
admin_path = validate.Regexp(r"([\w-]+/)+\Z", error="Must be a path, such as 'back-office/'.")
ADMIN_PATH = env.str("ADMIN_PATH", "admin/", validate=admin_path)

# Templates: https://docs.djangoproject.com/en/stable/topics/templates/
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

# Web server, limits on requests: https://docs.djangoproject.com/en/stable/howto/deployment/
# <% if cookiecutter.__interface == "asgi" %>
ASGI_APPLICATION = "config.asgi.application"
# <% else %>
WSGI_APPLICATION = "config.wsgi.application"
# <% endif %>
# <% if cookiecutter.__interface == "asgi" %>
WEB_THREADS = env.int("WEB_THREADS", 4, validate=at_least_1)  # per process
# <% endif %>
# <% if cookiecutter.server == "wsgi-gunicorn" %>
WEB_THREADS = env.int("WEB_THREADS", 16, validate=at_least_1)  # per process
# <% endif %>
# <% if cookiecutter.server == "wsgi-waitress" %>
WEB_THREADS = env.int("WEB_THREADS", 8, validate=at_least_1)  # per process
# <% endif %>
# <% if cookiecutter.__app_server == "gunicorn" %>
WEB_PROCESSES = env.int("WEB_CONCURRENCY", 1)
# <% else %>
WEB_PROCESSES = 1
# <% endif %>
MAX_BODY_SIZE = env.int("MAX_BODY_SIZE", 10_000_000, validate=at_least_1)  # bytes
# <% if cookiecutter.__interface == "asgi" %>
MAX_QUEUED_REQUESTS = env.int("MAX_QUEUED_REQUESTS", 500, validate=at_least_1)
# Bytes of a body in memory; Django's 2.5 MB, of 200 slow uploads, would fill an instance.
FILE_UPLOAD_MAX_MEMORY_SIZE = 65536
# <% endif %>
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0, validate=validate.Range(min=0))
PLATFORM = "paas.platforms.{{ cookiecutter.platform }}"  # module: its headers and CLI hints
DEPLOY_CHECKS: list[str] = []  # modules whose checks run before each release
READINESS_PROBES = {  # of /readyz: functions that return "ok" or another status, or raise
    "database": "paas.site.health.probe_database",
    # <% if cookiecutter.__redis == "yes" %>
    "redis": "paas.site.health.probe_redis",
    # <% endif %>
}

# Database: https://docs.djangoproject.com/en/stable/ref/settings/#databases
DATABASES = {"default": database(env, DEBUG)}
DATABASE_IS_POOLED = is_pooled(env)
# <% if cookiecutter.server == "wsgi-gunicorn" %>
# Connections that the threads of a web process share; 0: each thread has its own.
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", 4, validate=validate.Range(min=0))
# <% endif %>
DATABASE_CONNECTION_LIMIT = env.int("DATABASE_CONNECTION_LIMIT", 20)  # of the database's plan
# Seconds after which PostgreSQL ends a query of a web process; 0: never.
STATEMENT_TIMEOUT = env.int("STATEMENT_TIMEOUT", 20, validate=validate.Range(min=0))

# <% if cookiecutter.__redis == "yes" %>
# Redis: https://docs.djangoproject.com/en/stable/topics/cache/#redis
REDIS_URL = env.str("REDIS_URL", "")
if REDIS_URL.startswith("rediss:"):
    # <% if cookiecutter.platform == "heroku" %>
    # The certificate of Heroku Key-Value Store is self-signed.
    REDIS_URL += ("&" if "?" in REDIS_URL else "?") + "ssl_cert_reqs=none"
    # <% elif cookiecutter.platform == "digitalocean" %>
    # Explicit, as not every client verifies the certificate by default.
    REDIS_URL += ("&" if "?" in REDIS_URL else "?") + "ssl_cert_reqs=required"
    # <% endif %>
# <% if cookiecutter.__interface == "asgi" %>
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
if REDIS_URL:
    CHANNEL_LAYERS["default"] = {"BACKEND": "paas.asgi.channel_layer.ChannelLayer"}
# <% endif %>

# <% endif %>
# <% if cookiecutter.use_celery %>
# Celery, with more settings in paas.celery.config: https://docs.celeryq.dev/en/stable/
# Processes that run a task each; with two, a worker fits in 512 MB.
WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", 2, validate=at_least_1)
TASK_TIME_LIMIT = 300  # seconds after which a task is ended: more than the longest one takes

# <% endif %>
# E-mail: https://docs.djangoproject.com/en/stable/topics/email/
EMAIL_URL = env.str("EMAIL_URL", "", validate=is_mail_url)
MAILERS: dict[str, dict[str, Any]] = {}
if EMAIL_URL:
    smtp = "django.core.mail.backends.smtp.EmailBackend"
    MAILERS["default"] = {"BACKEND": smtp, "OPTIONS": smtp_options(EMAIL_URL)}
elif DEBUG:
    MAILERS["default"] = {"BACKEND": "django.core.mail.backends.console.EmailBackend"}
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "webmaster@localhost")
# <% if cookiecutter.use_celery %>
SEND_MAIL = "paas.celery.tasks.queue_mail"  # accounts send mail by a worker
# <% else %>
SEND_MAIL = "paas.accounts.mail.send"  # accounts send mail in the request
# <% endif %>

# Users and accounts, with more settings in config/accounts.py: https://docs.allauth.org/
AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["paas.accounts.lockout.Backend"]
LOGIN_URL = "account_login"
# <% if cookiecutter.__interface == "asgi" %>
LOGIN_REDIRECT_URL = "presence"
# <% else %>
LOGIN_REDIRECT_URL = "home"
# <% endif %>
LOGOUT_REDIRECT_URL = "home"
SIGN_UP = env.str("SIGN_UP", "open", validate=validate.OneOf(["open", "closed"]))
STAFF_NEEDS_SECOND_FACTOR = env.bool("STAFF_NEEDS_SECOND_FACTOR", False)
ACCOUNT_EMAIL_VERIFICATION = env.str(
    "ACCOUNT_EMAIL_VERIFICATION",
    "mandatory" if EMAIL_URL else "optional",
    validate=validate.OneOf(["mandatory", "optional", "none"]),
)
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
if ACCOUNT_EMAIL_VERIFICATION == "mandatory":
    ACCOUNT_SIGNUP_FIELDS[1] = "email*"
ACCOUNT_EMAIL_SUBJECT_PREFIX = f"[{SITE_NAME}] "
MFA_TOTP_ISSUER = SITE_NAME
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG  # http://localhost
SESSION_ENGINE = "paas.accounts.sessions"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Caches: https://docs.djangoproject.com/en/stable/topics/cache/
CACHES: dict[str, dict[str, Any]] = {
    # A table that all processes share, which `migrate` creates. The rate limits of accounts count in it.
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    },
}

# Language and time: https://docs.djangoproject.com/en/stable/topics/i18n/
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# Static files, by WhiteNoise: https://whitenoise.readthedocs.io/en/stable/django.html
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = DEBUG  # without collectstatic
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
if DEBUG:
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}

# Content Security Policy: https://docs.djangoproject.com/en/stable/topics/security/#security-csp
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

# Uploads, in a bucket or for development in MEDIA_ROOT: https://django-storages.readthedocs.io/
MEDIA_ROOT = BASE_DIR / "media"
MEDIA_URL = "/media/"
# <% if cookiecutter.platform == "heroku" %>
BUCKET = bucket_options(env, "s3.{region_name}.amazonaws.com")
# <% elif cookiecutter.platform == "digitalocean" %>
BUCKET = bucket_options(env, "{region_name}.digitaloceanspaces.com")
# <% endif %>
if BUCKET["bucket_name"]:
    STORAGES["default"] = {"BACKEND": "paas.storage.bucket.Bucket", "OPTIONS": BUCKET}
    SECURE_CSP["img-src"] += [bucket_origin(BUCKET)]

# HTTPS: https://docs.djangoproject.com/en/stable/topics/security/#ssl-https
if not DEBUG:
    # The platform's router ends TLS, and replaces this header if a client sends it.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$"]
    # __Host-: browsers take such a cookie from this host only, and over HTTPS only.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    CSRF_COOKIE_SECURE = True
    # Seconds for which browsers use HTTPS only: .env.example shows how to raise it.
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 3600, validate=at_least_1)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", False)
    SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", False)

# Checks: https://docs.djangoproject.com/en/stable/ref/checks/#security
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS for all subdomains, which may be other sites
    "security.W021",  # the same, for browsers' preload list
    "security.W019",  # X_FRAME_OPTIONS may be "SAMEORIGIN"; frame-ancestors of SECURE_CSP is stricter
    "mail.W001",  # paas.checks.mail reports it: a site may go live without e-mail
]

# Logs, by paas.logs, and Sentry: https://docs.sentry.io/platforms/python/
LOGGING = logs.configuration(env.log_level("LOG_LEVEL", logging.INFO), as_json=not DEBUG)
SENTRY_DSN = env.str("SENTRY_DSN", "")

env.seal()
