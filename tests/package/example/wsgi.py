import os

from paas.startup import setup
from paas.wsgi import GracefulShutdown, WSGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.settings")
setup()
application = GracefulShutdown(WSGIHandler())
