"""Production starts: it builds, the deploy checks pass, and SIGTERM loses no request."""

import os

from django.conf import settings
from paas.testing.server import (
    PRODUCTION,
    assert_builds_and_passes_checks,
    assert_serves_and_stops,
    needs_sigterm,
    web_command,
)

# Add variables that your settings require.
ENVIRONMENT = os.environ | PRODUCTION


def test_static_files_are_collected_and_the_deploy_checks_pass():
    assert_builds_and_passes_checks(ENVIRONMENT)


@needs_sigterm
def test_the_web_process_serves_and_finishes_its_requests_after_sigterm(tmp_path):
    assert_serves_and_stops(web_command(settings.BASE_DIR), tmp_path / "log", ENVIRONMENT)
