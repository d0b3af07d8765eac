"""A valid production configuration: settings, and environment variables. conftest.py adds to both."""

from typing import Any

VALID_SETTINGS: dict[str, Any] = {
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFG",
    "SECURE_SSL_REDIRECT": True,
    "SECURE_HSTS_SECONDS": 3600,
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
}
# For the web process that tests start. Nothing listens on port 1: the process must start without a
# database.
ENVIRONMENT = {
    "DEBUG": "false",
    "SECRET_KEY": VALID_SETTINGS["SECRET_KEY"],
    "DATABASE_URL": "postgres://localhost:1/none",
}
