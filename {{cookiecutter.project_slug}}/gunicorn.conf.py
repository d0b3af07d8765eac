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

# A thread serves one request, and waits while its client sends a body or reads a large response: when
# all of them wait, so does everyone else. Raise WEB_THREADS if visitors upload on slow lines. The
# database has no more connections for it, as threads share those of DATABASE_POOL_SIZE.
worker_class = "gthread"
threads = settings.WEB_THREADS

# Seconds. The platform's router keeps idle connections for 90. If Gunicorn, whose default is 2, closes
# one first, a request that the router sends at that moment is lost, with status 503.
keepalive = 95

# Seconds for requests to finish after SIGTERM. A platform may send SIGKILL after 30, so the default, 30,
# is too late.
graceful_timeout = 25

# Each worker touches a file every second to say that it is alive, and Gunicorn kills one that does
# not for `timeout`. In /tmp, which is on a disk, that call can block. Only Linux has /dev/shm.
# https://docs.gunicorn.org/en/stable/faq.html#how-do-i-avoid-gunicorn-excessively-blocking-in-os-fchmod
shared_memory = Path("/dev/shm")  # noqa: S108 (Gunicorn makes the file safely)
worker_tmp_dir = str(shared_memory) if shared_memory.is_dir() else None

# The router replaces X-Forwarded-Proto; clients may send the other headers of Gunicorn's default, and
# a contradiction between two is status 400. A platform's FORWARDED_ALLOW_IPS=* has Gunicorn trust them.
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
# For the same reason no header sets SCRIPT_NAME or PATH_INFO, which decide what view runs.
forwarder_headers = ""

# Nothing here uses the socket for `gunicornc`, a file in the home folder that commands Gunicorn.
control_socket_disable = True

# JSON lines from the first one on, as Django's, and no access log: paas.logs.requests has a better one.
# A platform's GUNICORN_CMD_ARGS, which wins over this file, turns Gunicorn's on: its logger is off.
logconfig_dict = logs.configuration("INFO")


def on_starting(server):
    """A misconfigured site exits here, once; a worker that exits would be started again."""
    setup(is_serving=False)
