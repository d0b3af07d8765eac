"""Gunicorn: how web processes serve. It reads PORT and WEB_CONCURRENCY from the environment itself.

Every setting: https://docs.gunicorn.org/en/stable/settings.html
"""

import os
from pathlib import Path

from paas import logs
from paas.conf import settings
from paas.startup import load_settings, setup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
load_settings()

# Each thread serves one request: see WEB_THREADS in settings.
worker_class = "gthread"
threads = settings.WEB_THREADS

# Seconds. Longer than the 90 for which the platform's router reuses a connection; else it sends
# requests into closed ones: 503.
keepalive = 95

# Seconds for open requests after SIGTERM; {{ "Heroku sends SIGKILL after 30" if cookiecutter.platform == "heroku" else "App Platform sends SIGKILL after 120" }}.
graceful_timeout = 25

# Each worker's heartbeat file, in memory: on a disk the touch can block, and Gunicorn kills the worker.
# Only Linux has /dev/shm.
# https://docs.gunicorn.org/en/stable/faq.html#how-do-i-avoid-gunicorn-excessively-blocking-in-os-fchmod
shared_memory = Path("/dev/shm")  # noqa: S108 (Gunicorn makes the file safely)
worker_tmp_dir = str(shared_memory) if shared_memory.is_dir() else None

# {{ "Heroku sets FORWARDED_ALLOW_IPS=*, so" if cookiecutter.platform == "heroku" else "With FORWARDED_ALLOW_IPS=*" }} Gunicorn trusts every client. Only X-Forwarded-Proto is
# set by the router; a forged second scheme header would be a 400.
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
# For the same reason no header sets SCRIPT_NAME or PATH_INFO, which decide what view runs.
forwarder_headers = ""

# No control socket: nothing here uses `gunicornc`.
control_socket_disable = True

# JSON lines, as Django's. No access log, as paas.logs.requests has one: {{ "Heroku's " if cookiecutter.platform == "heroku" }}GUNICORN_CMD_ARGS
# {{ "turns" if cookiecutter.platform == "heroku" else "may turn" }} Gunicorn's on, so its logger is off.
logconfig_dict = logs.configuration("INFO")


def on_starting(server):
    """A misconfigured site exits here, once; a worker that exits would be started again."""
    setup(is_serving=False)
