"""Gunicorn's settings; it reads PORT and WEB_CONCURRENCY from the environment itself.

https://docs.gunicorn.org/en/stable/settings.html
"""

import os
from pathlib import Path

from paas.servers import gunicorn

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# Its threads are settings.WEB_THREADS.
worker_class = "paas.servers.gunicorn_wsgi.Worker"

# Seconds. More than the 90 for which the platform's router keeps idle connections: closing first
# would lose requests.
keepalive = 95
# Seconds. Less than the platform waits between SIGTERM and SIGKILL.
graceful_timeout = 25
# Workers report that they are alive through a file, which a slow disk would delay.
shared_memory = Path("/dev/shm")  # noqa: S108 (Gunicorn makes the file safely)
worker_tmp_dir = str(shared_memory) if shared_memory.is_dir() else None
control_socket_disable = True

# The only header of HTTPS that a client cannot send past the router.
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
# No header may set SCRIPT_NAME.
forwarder_headers = ""

logger_class = gunicorn.QuietLogger
logconfig_dict = gunicorn.log_configuration()
on_starting = gunicorn.on_starting
