"""Run a script with our ASGIHandler in the place of Django's: python our_handler.py SCRIPT ..."""

import runpy
import sys
from pathlib import Path

from django.core.handlers import asgi
from paas.asgi.handler import ASGIHandler

# Before anything else of Django imports it.
asgi.ASGIHandler = ASGIHandler
del sys.argv[0]
sys.path[0] = str(Path(sys.argv[0]).parent)
runpy.run_path(sys.argv[0], run_name="__main__")
