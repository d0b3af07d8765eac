"""The project's settings, with what a test chose in the environment."""

import os

from config.settings import *
from config.settings import DATABASES, INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "extra"]
ROOT_URLCONF = "extra.urls"
MIDDLEWARE = [*MIDDLEWARE, *os.environ.get("EXTRA_MIDDLEWARE", "").split()]
DATABASES["default"]["ATOMIC_REQUESTS"] = "ATOMIC_REQUESTS" in os.environ

# A TOTP code is valid for two minutes more: a browser on a busy machine may type slowly.
MFA_TOTP_TOLERANCE = 4
