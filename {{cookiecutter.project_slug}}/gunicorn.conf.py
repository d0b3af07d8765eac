"""Gunicorn's settings; it takes PORT and WEB_CONCURRENCY from the environment by itself."""

from pathlib import Path

# <% if cookiecutter.__interface == "asgi" %>
worker_class = "asgi"
websocket_max_message_size = 65536
# <% else %>
worker_class = "gthread"
threads = 4
# <% endif %>

# The platform's router keeps idle connections for 90 seconds: closing first would lose requests.
keepalive = 95
# Platforms kill a while after SIGTERM: Heroku after 30 seconds, App Platform after 120.
graceful_timeout = 25

# Workers report that they are alive through a file, which a slow disk would hold up.
shared_memory = Path("/dev/shm")  # noqa: S108 (Gunicorn makes the file safely)
worker_tmp_dir = str(shared_memory) if shared_memory.is_dir() else None
control_socket_disable = True
# The router passes on whatever headers a client sends: none of them may set SCRIPT_NAME.
forwarder_headers = ""
