"""The project's settings, with what a test chose in the environment."""

import os
from importlib import import_module

from config.settings import *
from config.settings import DATABASES, INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "extra"]
ROOT_URLCONF = "extra.urls"
MIDDLEWARE = [*MIDDLEWARE, *os.environ.get("EXTRA_MIDDLEWARE", "").split()]
DATABASES["default"]["ATOMIC_REQUESTS"] = "ATOMIC_REQUESTS" in os.environ

# Such as "paas.limits.DISCARD_BYTES=1000000", with spaces between: constants that are too large, or
# take too long, for a test.
for constant in os.environ.get("EXTRA_CONSTANTS", "").split():
    path, _, value = constant.partition("=")
    module, _, name = path.rpartition(".")
    setattr(import_module(module), name, int(value))

# A code of a second factor is good for two minutes: a browser on a busy machine may type slowly.
MFA_TOTP_TOLERANCE = 4
