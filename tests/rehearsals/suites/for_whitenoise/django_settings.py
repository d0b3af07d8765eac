"""The settings of WhiteNoise's tests, which its source distribution lacks."""

import os

SECRET_KEY = "secret"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.django_urls"
INSTALLED_APPS = ["whitenoise.runserver_nostatic", "django.contrib.staticfiles"]
MIDDLEWARE = [os.environ["STATIC_FILES_MIDDLEWARE"]]
FORCE_SCRIPT_NAME = "/subdir"  # which a test expects
STATIC_URL = "/subdir/static/"
STORAGES = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}
