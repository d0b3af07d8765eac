"""The WSGI application, as the platform's web process starts it."""

import os

from django.core.wsgi import get_wsgi_application

from config.checks import load_settings, refuse_misconfiguration

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
load_settings()
application = get_wsgi_application()
refuse_misconfiguration()
