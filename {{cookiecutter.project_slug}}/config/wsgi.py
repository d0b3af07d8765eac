"""The WSGI application."""

import os

from django.core.handlers.wsgi import WSGIHandler
from paas.startup import setup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
setup()
application = WSGIHandler()
