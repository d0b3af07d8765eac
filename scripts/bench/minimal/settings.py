"""What the page needs; the middleware, the database and the logs are the project's own."""

import os
from pathlib import Path

import config.settings
from config.settings import (
    DATABASES,
    LOGGING,
    MIDDLEWARE,
    SECURE_CSP,
    SESSION_COOKIE_NAME,
    STATIC_ROOT,
    STORAGES,
)

__all__ = [
    "DATABASES",
    "LOGGING",
    "MIDDLEWARE",
    "SECURE_CSP",
    "SESSION_COOKIE_NAME",
    "STATIC_ROOT",
    "STORAGES",
]

# Django's own ASGI handler makes a thread per request, each of which would keep its connection.
if hasattr(config.settings, "ASGI_APPLICATION"):
    DATABASES["default"]["CONN_MAX_AGE"] = 0

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "users",
]
ROOT_URLCONF = "minimal.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["users.throttle.Backend"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
STATIC_URL = "/static/"
