"""Production starts: the deploy checks pass, and the web process loses no request at SIGTERM."""

import os
import subprocess
import sys

from django.conf import settings
from paas.testing.server import assert_serves_and_stops, needs_sigterm, web_command

# Nothing listens on port 1: the web process must start without a database.
PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFG",
    "ALLOWED_HOSTS": "127.0.0.1",
    "DATABASE_URL": "postgres://localhost:1/none",
    # <% if cookiecutter.__redis == "yes" %>
    "REDIS_URL": "redis://localhost:1",
    # <% endif %>
    # For a model with a FileField: docs/operations.md.
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_STORAGE_BUCKET_NAME": "uploads",
    "AWS_S3_REGION_NAME": "us-east-1",
}


def test_the_deploy_checks_pass():
    check = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    environment = {**os.environ, **PRODUCTION}
    done = subprocess.run(  # noqa: S603 (this project's manage.py)
        check, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@needs_sigterm
def test_the_web_process_serves_and_finishes_its_requests_after_sigterm(tmp_path):
    assert_serves_and_stops(web_command(settings.BASE_DIR), tmp_path / "log", PRODUCTION)
