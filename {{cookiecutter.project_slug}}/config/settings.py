"""Settings, taken from the environment.

Nothing set means production, and production refuses to go live until it is configured: see
``config/checks.py``. Development reads ``.env``, which ``.env.example`` starts.
"""

from pathlib import Path

import environs
from django.utils.csp import CSP

from config.checks import refuse

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
]

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "")
ALLOWED_HOSTS = [host.strip() for host in env.list("ALLOWED_HOSTS", [])]
if DEBUG and not ALLOWED_HOSTS:
    ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

INSTALLED_APPS = [
    # <% if cookiecutter.__interface == "asgi" %>
    # Gives `runserver` WebSockets.
    *(["daphne"] if DEBUG else []),
    # <% endif %>
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "config",
    "pages",
    # <% if cookiecutter.__interface == "asgi" %>
    "presence",
    # <% endif %>
    "users",
]

MIDDLEWARE = [
    "config.health.health_checks",
    "django.middleware.security.SecurityMiddleware",
    # <% if cookiecutter.__interface == "asgi" %>
    "config.static.StaticFilesMiddleware",
    # <% else %>
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # <% endif %>
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
]

ROOT_URLCONF = "config.urls"

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

# <% if cookiecutter.__interface == "asgi" %>
# Per process. Two are for WebSocket consumers and /readyz, the rest bound the requests at work.
DB_POOL_SIZE = env.int("DB_POOL_SIZE", 8, validate=environs.validate.Range(min=3))
# <% endif %>
database = {}
if env.str("DATABASE_URL", ""):
    # None if it is not understood.
    database = env.dj_db_url("DATABASE_URL", conn_health_checks=True) or {}
# <% if cookiecutter.__interface == "wsgi" %>
database["CONN_MAX_AGE"] = 600
# <% endif %>
if database.get("ENGINE") == "django.db.backends.postgresql":
    database["OPTIONS"] = {
        "connect_timeout": 5,
        "sslmode": "prefer" if DEBUG else "require",
        **database.get("OPTIONS", {}),
        # <% if cookiecutter.__interface == "asgi" %>
        # Persistent connections leak under ASGI, where every request has a thread of its own.
        "pool": {"min_size": 1, "max_size": DB_POOL_SIZE, "max_idle": 60, "timeout": 10},
        # <% endif %>
    }
DATABASES = {"default": database}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# <% if cookiecutter.__interface == "asgi" %>
REDIS_URL = env.str("REDIS_URL", "")
# <% if cookiecutter.platform == "heroku" %>
if REDIS_URL.startswith("rediss:"):
    # Heroku's Key-Value Store encrypts with a self-signed certificate.
    REDIS_URL += ("&" if "?" in REDIS_URL else "?") + "ssl_cert_reqs=none"
# <% endif %>

ASGI_APPLICATION = "config.asgi.application"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_connect_timeout": 3}]},
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}
# <% else %>
WSGI_APPLICATION = "config.wsgi.application"
# <% endif %>

AUTH_USER_MODEL = "users.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
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
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
X_FRAME_OPTIONS = "DENY"

if not DEBUG:
    # The platform's router ends TLS, and replaces whatever a client sends in this header.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # Browsers refuse plain HTTP for this long: raise it to 31536000 (a year) once all is well.
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 3600)

SILENCED_SYSTEM_CHECKS = [
    # Promises for a whole domain, which may hold more than this site.
    "security.W005",
    "security.W021",
    # Said more clearly in config/checks.py.
    "security.W009",
    "security.W020",
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.log_level("LOG_LEVEL", "INFO")},
    "loggers": {"django": {"handlers": [], "level": "INFO", "propagate": True}},
}

try:
    env.seal()
except environs.EnvValidationError as error:
    refuse(f"{name}: {' '.join(said)}" for name, said in error.error_messages.items())
