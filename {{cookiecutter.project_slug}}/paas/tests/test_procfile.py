"""The Procfile starts a server."""

import re

from django.conf import settings

from paas.tests.server import assert_serves_and_stops, needs_sigterm


@needs_sigterm
def test_the_web_command_serves_and_finishes_its_requests_after_sigterm(tmp_path):
    procfile = (settings.BASE_DIR / "Procfile").read_text()
    [command] = re.findall(r"^web: (.+)$", procfile, re.MULTILINE)
    assert_serves_and_stops(command, tmp_path / "log")
