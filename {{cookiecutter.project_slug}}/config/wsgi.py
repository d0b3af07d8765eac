"""WSGI; SIGTERM is graceful."""

import os

from paas.startup import setup
from paas.wsgi import GracefulShutdown, WSGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
setup()
application = GracefulShutdown(WSGIHandler())
