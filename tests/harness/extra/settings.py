"""The project's settings, with what a test chose in the environment."""

import os
from importlib import import_module

from config.settings import *
from config.settings import DATABASES, INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "extra"]
ROOT_URLCONF = "extra.urls"
MIDDLEWARE = [*MIDDLEWARE, *os.environ.get("EXTRA_MIDDLEWARE", "").split()]
DATABASES["default"]["ATOMIC_REQUESTS"] = "ATOMIC_REQUESTS" in os.environ

# Such as "paas.wsgi.DISCARD_BYTES=1000000", with spaces between: constants that a test could not
# reach, or not soon enough.
for constant in os.environ.get("EXTRA_CONSTANTS", "").split():
    path, _, value = constant.partition("=")
    module, _, name = path.rpartition(".")
    setattr(import_module(module), name, int(value))

# A TOTP code is valid for two minutes more: a browser on a busy machine may type slowly.
MFA_TOTP_TOLERANCE = 4
