"""The web process, started as a platform starts it."""

import os
import subprocess
import sys
from importlib import import_module

import pytest
from django.conf import settings

from example.production import VALID_SETTINGS
from paas.testing.server import assert_serves_and_stops, needs_sigterm

COMMAND = {
    "asgi-daphne": "python -m paas.servers.daphne --bind 0.0.0.0 --port $PORT example.asgi:application",
    "asgi-uvicorn": "python -m paas.servers.uvicorn example.asgi:application",
    "wsgi-gunicorn": "gunicorn example.wsgi:application",
    "wsgi-waitress": "python -m paas.servers.waitress example.wsgi:application",
}[settings.SITE_SERVER]
# Nothing listens on port 1: the web process must start without a database.
PRODUCTION = {
    "DEBUG": "false",
    "DJANGO_SETTINGS_MODULE": "example.settings",
    "PYTHONPATH": "../src:.",
    "SECRET_KEY": VALID_SETTINGS["SECRET_KEY"],
    "ALLOWED_HOSTS": "127.0.0.1",
    "DATABASE_URL": "postgres://localhost:1/none",
    "REDIS_URL": "redis://localhost:1",
}


@needs_sigterm
def test_it_serves_and_finishes_its_requests_after_sigterm(tmp_path):
    assert_serves_and_stops(COMMAND, tmp_path / "log", PRODUCTION)


def test_the_deploy_checks_import_it():
    check = [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "WARNING"]
    environment = {**os.environ, **PRODUCTION}
    done = subprocess.run(
        check, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_release_fails_if_the_application_cannot_be_imported(settings):
    settings.ASGI_APPLICATION = settings.WSGI_APPLICATION = "example.nowhere.application"
    with pytest.raises(ImportError):
        import_module(settings.SERVER).check()
