"""Gunicorn's settings; it takes PORT and WEB_CONCURRENCY from the environment by itself."""

import os
from pathlib import Path

import django
from gunicorn.glogging import Logger

from config import logs
from config.checks import load_settings, refuse_misconfiguration

# <% if cookiecutter.__interface == "asgi" %>
worker_class = "config.asgi_worker.Worker"
websocket_max_message_size = 65536
# When many pages close at once, it takes their consumers a while to tell the database.
asgi_disconnect_grace_period = 20
# <% else %>
# Its threads are settings.WEB_THREADS.
worker_class = "config.wsgi_worker.Worker"
# <% endif %>

# The platform's router keeps idle connections for 90 seconds: closing first would lose requests.
keepalive = 95
# Platforms kill a while after SIGTERM: Heroku after 30 seconds, App Platform after 120.
graceful_timeout = 25

# Workers report that they are alive through a file, which a slow disk would hold up.
shared_memory = Path("/dev/shm")  # noqa: S108 (Gunicorn makes the file safely)
worker_tmp_dir = str(shared_memory) if shared_memory.is_dir() else None
control_socket_disable = True
# The router passes on whatever headers a client sends, but for this one, which it sets itself:
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
# and none of them may set SCRIPT_NAME.
forwarder_headers = ""


class QuietLogger(Logger):
    """Without access logs, which Heroku turns on: every request has a line of the project's."""

    access_log_enabled = False


def hide_secrets(record) -> bool:
    """Filter: quote no query, and nothing of a request that makes no sense."""
    message, invalid = record.getMessage(), "Invalid request"
    record.msg = invalid if message.startswith(invalid) else message.partition("?")[0]
    record.args = ()
    return True


logger_class = QuietLogger
logconfig_dict = logs.configuration("INFO")
logconfig_dict["loggers"]["gunicorn.error"] = {
    "handlers": [],
    "propagate": True,
    "filters": [hide_secrets],
}


def on_starting(server):
    """Called before there are workers, which would refuse one by one; Gunicorn trips over two."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    load_settings()
    # So that every app's checks are known; what this imports, the workers share.
    django.setup()
    refuse_misconfiguration()
