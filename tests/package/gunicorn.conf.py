import os

from paas.servers import gunicorn

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.settings")
worker_class = "paas.servers.gunicorn_wsgi.Worker"
keepalive = 95
graceful_timeout = 25
control_socket_disable = True
logger_class = gunicorn.QuietLogger
logconfig_dict = gunicorn.log_configuration()
on_starting = gunicorn.on_starting
