import os

from django.core.handlers.wsgi import WSGIHandler

from paas.startup import setup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.settings")
setup()
application = WSGIHandler()
