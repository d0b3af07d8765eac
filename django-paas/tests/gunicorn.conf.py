import os

from paas.servers import gunicorn

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.settings")
interface = os.environ.get("SITE_SERVER", "asgi").partition("-")[0]
worker_class = f"paas.servers.gunicorn_{interface}.Worker"
keepalive = 95
graceful_timeout = 25
control_socket_disable = True
logger_class = gunicorn.QuietLogger
logconfig_dict = gunicorn.log_configuration()
on_starting = gunicorn.on_starting
