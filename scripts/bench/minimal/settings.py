"""The baked project's settings, middleware included, with only the page's apps and templates."""

from pathlib import Path

import config.settings
from config.settings import *
from config.settings import DATABASES

# Django's own ASGI handler makes a thread per request, each of which would keep its connection.
if hasattr(config.settings, "ASGI_APPLICATION"):
    DATABASES["default"]["CONN_MAX_AGE"] = 0

ALLOWED_HOSTS = ["*"]
SECURE_SSL_REDIRECT = False
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
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
