"""The settings of `make prod`: production's, over plain HTTP at localhost, on .env's database."""

import os

os.environ |= {"DEBUG": "false", "ALLOWED_HOSTS": "localhost,127.0.0.1"}

from config.settings import *
from config.settings import SECURE_CSP

# Pages show a notice, and the web process starts without the deploy checks.
IS_PREVIEW = True
SECURE_SSL_REDIRECT = False
SECURE_CSP["upgrade-insecure-requests"] = False
# The prefix __Host- is for HTTPS.
SESSION_COOKIE_NAME = "sessionid"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
