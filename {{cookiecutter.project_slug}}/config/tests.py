"""Production starts: the deploy checks pass, and the web process loses no request at SIGTERM."""

import os
import subprocess
import sys

from django.conf import settings
from paas.testing.server import PRODUCTION, assert_serves_and_stops, needs_sigterm, web_command

# Add variables that your settings require.
ENVIRONMENT = os.environ | PRODUCTION


def test_the_deploy_checks_pass():
    check = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(  # noqa: S603 (this project's manage.py)
        check, cwd=settings.BASE_DIR, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@needs_sigterm
def test_the_web_process_serves_and_finishes_its_requests_after_sigterm(tmp_path):
    assert_serves_and_stops(web_command(settings.BASE_DIR), tmp_path / "log", ENVIRONMENT)
