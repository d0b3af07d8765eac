import logging
from pathlib import Path

from django.utils.csp import CSP
from environs import Env

from paas import logs
from paas.accounts.settings import *
from paas.db.url import database, is_pooled
from paas.env import is_mail_url, mailers

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()
SITE_SERVER = env.str("SITE_SERVER", "asgi-uvicorn")
IS_ASGI = SITE_SERVER.startswith("asgi")

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "")
SECRET_KEY_FALLBACKS: list[str] = []
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost"] if DEBUG else [])
ROOT_URLCONF = "example.urls"
if IS_ASGI:
    ASGI_APPLICATION = "example.asgi.application"
else:
    WSGI_APPLICATION = "example.wsgi.application"
PLATFORM = env.str("PLATFORM", "paas.platforms.heroku")
DATABASES = {"default": database(env, DEBUG)}
DATABASE_IS_POOLED = is_pooled(env)
TASKS = {"default": {"BACKEND": "paas.celery.backend.CeleryBackend", "QUEUES": []}}
REDIS_URL = env.str("REDIS_URL", "")
EMAIL_URL = env.str("EMAIL_URL", "", validate=is_mail_url)
MAILERS = mailers(EMAIL_URL, DEBUG)
USE_TZ = True
STATIC_URL = "/static/"
SECURE_CSP = {"default-src": [CSP.NONE], "frame-ancestors": [CSP.NONE]}
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = DEBUG
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"},
}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
if REDIS_URL:
    CHANNEL_LAYERS["default"] = {"BACKEND": "paas.asgi.channel_layer.ChannelLayer"}
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "home"
AUTH_USER_MODEL = "example.User"
SITE_NAME = "Example"

INSTALLED_APPS = [
    *["paas", "paas.celery", *(["paas.asgi", "paas.presence"] if IS_ASGI else [])],
    *["paas.accounts", "paas.accounts.apps.AdminConfig", "paas.site"],
    *["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.humanize"],
    *["django.contrib.sessions", "django.contrib.messages", "django.contrib.staticfiles"],
    *["allauth", "allauth.account", "allauth.mfa", "allauth.usersessions", "axes", "example"],
]
MIDDLEWARE = [
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
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.csp",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "paas.site.context_processors.site",
            ],
        },
    },
]
if not DEBUG:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$"]
    SECURE_HSTS_SECONDS = 3600
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021", "mail.W001"]
LOGGING = logs.configuration(env.log_level("LOG_LEVEL", logging.INFO), as_json=not DEBUG)
