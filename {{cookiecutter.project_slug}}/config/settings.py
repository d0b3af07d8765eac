"""Settings, taken from the environment.

Nothing set means production, and production refuses to go live until it is configured: see
``config/checks.py``. Development reads ``.env``, which ``.env.example`` starts.
"""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import environs
from django.utils.csp import CSP

from config import logs

BASE_DIR = Path(__file__).resolve().parent.parent

# Not eager: what is not understood is told at the end, all at once.
env = environs.Env(eager=False)
env.read_env(BASE_DIR / ".env", recurse=False)

SITE_NAME = "{{ cookiecutter.project_name }}"

# What people who are logged in find at the top of every page: URL names and their labels.
NAVIGATION = [
    ("home", "Home"),
    # <% if cookiecutter.__interface == "asgi" %>
    ("presence", "Who is online"),
    # <% endif %>
    # <% if cookiecutter.use_s3_media %>
    ("picture", "Your picture"),
    # <% endif %>
]

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "")
ALLOWED_HOSTS = [host.strip() for host in env.list("ALLOWED_HOSTS", [], subcast=str)]
if DEBUG and not ALLOWED_HOSTS:
    ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

# <% if cookiecutter.__interface == "asgi" %>
from importlib.util import find_spec

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

# <% endif %>
INSTALLED_APPS = [
    # <% if cookiecutter.__interface == "asgi" %>
    # Gives `runserver` WebSockets.
    *(["daphne"] if DEBUG and find_spec("daphne") else []),
    # <% endif %>
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "config",
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

MIDDLEWARE = [
    # These set headers: before all others, so that redirects, files and errors have them too.
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.headers.SecurityHeadersMiddleware",
    "config.router.ClientAddressMiddleware",
    "config.request_log.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.health.HealthCheckMiddleware",
    "config.middleware.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
]

# Limits on every request, in bytes, requests and seconds: see config/limits.py.
MAX_BODY_SIZE = env.int("MAX_BODY_SIZE", 10_000_000, validate=environs.validate.Range(min=1))
MAX_QUEUED_REQUESTS = env.int("MAX_QUEUED_REQUESTS", 500, validate=environs.validate.Range(min=1))
SEND_TIMEOUT = env.int("SEND_TIMEOUT", 30, validate=environs.validate.Range(min=1))

ROOT_URLCONF = "config.urls"
ADMIN_PATH = env.str(
    "ADMIN_PATH",
    "admin/",
    validate=environs.validate.Regexp(
        r"(?!(accounts|picture|presence|static|ws)/)([\w-]+/)+\Z",
        error="Must be a path that nothing else has, such as 'back-office/'.",
    ),
)

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
                "pages.context_processors.site",
            ],
        },
    },
]

database: dict[str, Any] = {}
if env.str("DATABASE_URL", ""):
    # None if it is not understood.
    database = env.dj_db_url("DATABASE_URL", conn_health_checks=True) or {}
is_postgresql = database.get("ENGINE") == "django.db.backends.postgresql"
if is_postgresql:
    database["OPTIONS"] = {
        "connect_timeout": 5,
        "sslmode": "prefer" if DEBUG else "require",
        **database.get("OPTIONS", {}),
    }
# Threads per process that run views, each with a database connection of its own.
WEB_THREADS = env.int(
    "WEB_THREADS",
    # <% if cookiecutter.server == "asgi-daphne" %>
    4,
    # <% endif %>
    # <% if cookiecutter.server == "asgi-gunicorn" %>
    3,
    # <% endif %>
    # <% if cookiecutter.server == "wsgi-gunicorn" %>
    4,
    # <% endif %>
    # <% if cookiecutter.server == "wsgi-waitress" %>
    8,
    # <% endif %>
    validate=environs.validate.Range(min=1),
)
# Processes, and connections of the database's plan: check_database_connections compares them.
# <% if cookiecutter.__app_server == "gunicorn" %>
WEB_CONCURRENCY = env.int("WEB_CONCURRENCY", 1)
# <% else %>
WEB_CONCURRENCY = 1  # this server has one process, whatever the platform sets
# <% endif %>
DATABASE_CONNECTION_LIMIT = env.int("DATABASE_CONNECTION_LIMIT", 20)
# Threads keep their connections; conn_health_checks, above, tests them before a request.
database["CONN_MAX_AGE"] = 600
DATABASES = {"default": database}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# <% if cookiecutter.__redis == "yes" %>
REDIS_URL = env.str("REDIS_URL", "")
if REDIS_URL.startswith("rediss:"):
    REDIS_URL += "&" if "?" in REDIS_URL else "?"
    # <% if cookiecutter.platform == "heroku" %>
    # Heroku's Key-Value Store encrypts with a self-signed certificate.
    REDIS_URL += "ssl_cert_reqs=none"
    # <% else %>
    # Celery would not verify a certificate unless told to.
    REDIS_URL += "ssl_cert_reqs=required"
    # <% endif %>
# It raises while Redis is away, so what must not fail stays out: sessions are in the database.
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {
            "pool_class": "config.redis.SharedPool",
            # Per process. Who finds all of them in use waits, for up to 3 seconds.
            "max_connections": 3,
            "timeout": 3,
            # Clearing the cache empties a whole database of Redis, so it has one to itself.
            "db": 1,
        },
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# <% endif %>
# <% if cookiecutter.use_celery %>
# Tasks that run at a time, in a process each; with two, a worker fits in 512 MB.
WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", 2, validate=environs.validate.Range(min=1))

EMAIL_URL = env.str(
    "EMAIL_URL",
    "",
    validate=environs.validate.Regexp(
        r"(smtps?://([^\s:/?#@]+:[^\s:/?#@]+@)?[\w.-]+(:[1-5]?\d{1,4})?)?$",
        error="Must have the form smtps://user:password@host:port, with :/?#@ percent-encoded.",
    ),
)
MAILERS: dict[str, dict[str, Any]] = {}
if EMAIL_URL:
    MAILERS["default"] = {"BACKEND": "config.mail.EmailBackend", "OPTIONS": {"url": EMAIL_URL}}
elif DEBUG:
    MAILERS["default"] = {"BACKEND": "django.core.mail.backends.console.EmailBackend"}
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "webmaster@localhost")

# <% endif %>
# <% if cookiecutter.__interface == "asgi" %>
ASGI_APPLICATION = "config.asgi.application"
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [
                {
                    "address": REDIS_URL,
                    "socket_connect_timeout": 3,
                    # Or the first socket after a restart of Redis meets a dead connection.
                    "retry": Retry(NoBackoff(), 1),
                }
            ]
        },
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}
# <% else %>
WSGI_APPLICATION = "config.wsgi.application"
# <% endif %>

SESSION_ENGINE = "config.sessions"

AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["users.throttle.Backend"]
PASSWORD_HASHERS = [
    "users.hashers.Argon2",
    # Django's default, for accounts that are older than Argon2 here: it goes at their next log-in.
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# The limits are in users/throttle.py.
AXES_HANDLER = "users.throttle.Handler"
AXES_CLIENT_IP_CALLABLE = "users.throttle.client_address"
AXES_LOCKOUT_CALLABLE = "users.throttle.refusal"
AXES_FAILURE_LIMIT = 1
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
# Who logs in is forgiven their own failures from there; others' would be forgiven by an accomplice.
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
# It keeps what was sent to a form, for the admin to see.
AXES_SENSITIVE_PARAMETERS = [
    "username",
    "ip_address",
    "old_password",
    "new_password1",
    "new_password2",
    "csrfmiddlewaretoken",
]
AXES_VERBOSE = False

LOGIN_URL = "login"
# <% if cookiecutter.__interface == "asgi" %>
LOGIN_REDIRECT_URL = "presence"
# <% else %>
LOGIN_REDIRECT_URL = "home"
# <% endif %>
LOGOUT_REDIRECT_URL = "home"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
# In development and tests nothing is collected: files come from where they lie.
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# What pages may load and talk to: this site, by any path. 'self' includes its WebSockets.
SECURE_CSP: dict[str, list[str] | bool] = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
X_FRAME_OPTIONS = "DENY"
# Messages need no cookie of their own.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# <% if cookiecutter.use_s3_media %>
# Uploads: to a private bucket, or in development to a folder.
MEDIA_ROOT = BASE_DIR / "media"
MEDIA_URL = "/picture/files/"
BUCKET = {
    "access_key": env.str("AWS_ACCESS_KEY_ID", ""),
    "secret_key": env.str("AWS_SECRET_ACCESS_KEY", ""),
    "bucket_name": env.str("AWS_STORAGE_BUCKET_NAME", ""),
    "region_name": env.str("AWS_S3_REGION_NAME", ""),
}
if BUCKET["bucket_name"]:
    # <% if cookiecutter.platform == "heroku" %>
    bucket_host = f"s3.{BUCKET['region_name']}.amazonaws.com"
    # <% else %>
    bucket_host = f"{BUCKET['region_name']}.digitaloceanspaces.com"
    # <% endif %>
    STORAGES["default"] = {
        "BACKEND": "pictures.bucket.Bucket",
        "OPTIONS": BUCKET | {"endpoint_url": f"https://{bucket_host}"},
    }
    SECURE_CSP["img-src"] = [CSP.SELF, f"https://{BUCKET['bucket_name']}.{bucket_host}"]

# <% endif %>

if not DEBUG:
    # The platform's router ends TLS, and replaces whatever a client sends in this header.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$"]
    SECURE_CSP["upgrade-insecure-requests"] = True
    # By the prefix browsers know that no other host, and no plain HTTP, can have set the cookie.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    CSRF_COOKIE_SECURE = True
    # Browsers refuse plain HTTP for this long: README.md tells how to raise it.
    SECURE_HSTS_SECONDS = env.int(
        "SECURE_HSTS_SECONDS", 3600, validate=environs.validate.Range(min=1)
    )
    SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", False)
    SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", False)

SILENCED_SYSTEM_CHECKS = [
    # Promises for a whole domain, which may hold more than this site.
    "security.W005",
    "security.W021",
    # Said more clearly in config/checks.py.
    "security.W004",
    "security.W008",
    "security.W009",
    "security.W012",
    "security.W016",
    "security.W018",
    "security.W020",
    # <% if cookiecutter.use_celery %>
    # Said in welcome/checks.py: a site may go live without mail.
    "mail.W001",
    # <% endif %>
]

LOGGING = logs.configuration(
    env.log_level("LOG_LEVEL", logging.INFO), logs.CONSOLE if DEBUG else logs.JSON
)

SENTRY_DSN = env.str("SENTRY_DSN", "")

env.seal()
