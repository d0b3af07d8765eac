"""The web process, started as a platform starts it, by the command in the README."""

import os
import re
import subprocess
import sys
from pathlib import Path

from django.conf import settings

import paas
from example.production import VALID_SETTINGS
from paas import checks
from paas.testing.server import (
    START_TIMEOUT,
    Server,
    assert_serves_and_stops,
    needs_sigterm,
)

SOURCE = Path(paas.__file__).parents[1]
PROGRAM = {
    "asgi-daphne": "daphne",
    "asgi-uvicorn": "uvicorn",
    "wsgi-gunicorn": "gunicorn",
    "wsgi-waitress": "waitress-serve",
}[settings.SITE_SERVER]
README = (SOURCE.parent / "README.md").read_text()
[COMMAND] = re.findall(rf"^\| .+ \| `({PROGRAM} .+)` \|$", README, re.MULTILINE)
COMMAND = COMMAND.replace("mysite", "example")
# Nothing listens on port 1: the web process must start without a database.
PRODUCTION = {
    "DEBUG": "false",
    "DJANGO_SETTINGS_MODULE": "example.settings",
    "PYTHONPATH": f"{SOURCE}:.",
    "SECRET_KEY": VALID_SETTINGS["SECRET_KEY"],
    "ALLOWED_HOSTS": "127.0.0.1",
    "DATABASE_URL": "postgres://localhost:1/none",
    "REDIS_URL": "redis://localhost:1",
}


@needs_sigterm
def test_it_serves_and_finishes_its_requests_after_sigterm(tmp_path):
    assert_serves_and_stops(COMMAND, tmp_path / "log", PRODUCTION)


def test_it_ends_if_the_application_cannot_be_imported(tmp_path):
    command = COMMAND.replace("example", "example.nowhere")
    with Server(command, tmp_path / "log", PRODUCTION | {"WEB_CONCURRENCY": "2"}) as server:
        assert server.process.wait(START_TIMEOUT) > 0
        assert "example.nowhere" in server.log.read_text()


def test_the_deploy_checks_import_it():
    check = [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "WARNING"]
    environment = {**os.environ, **PRODUCTION}
    done = subprocess.run(
        check, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_an_application_that_cannot_be_imported_is_a_deploy_error(configure, settings):
    configure()
    settings.ASGI_APPLICATION = settings.WSGI_APPLICATION = "example.nowhere.application"
    [error] = checks.check_application()
    assert error.id == "paas.E012"
    assert "No module named 'example.nowhere'" in error.msg


def test_an_application_without_the_parts_of_the_package_is_a_warning(configure, monkeypatch):
    """As one that was copied from a tutorial: limits and SIGTERM would be gone, silently."""
    configure()
    assert checks.check_application() == []
    monkeypatch.setattr(checks, "APPLICATION_PARTS", set())
    handler = "ASGIHandler" if settings.IS_ASGI else "WSGIHandler"
    missing = sorted([handler, "GracefulShutdown"])
    warnings = checks.check_application()
    assert [warning.id for warning in warnings] == ["paas.W001"] * 2
    for part, warning in zip(missing, warnings, strict=True):
        assert f" no {part} of paas" in warning.msg
