"""The app spec starts a server."""

import re

from django.conf import settings

from paas.tests.server import assert_serves_and_stops, needs_sigterm

# Without a YAML parser: the plain scalar, on one line, of the component named web.
WEB_COMMAND = r"^  - name: web\n(?:    .*\n)*?    run_command: (\w.*)\n(?!     )"


@needs_sigterm
def test_the_web_command_serves_and_finishes_its_requests_after_sigterm(tmp_path):
    spec = (settings.BASE_DIR / ".do/app.yaml").read_text()
    [command] = re.findall(WEB_COMMAND, spec, re.MULTILINE)
    assert_serves_and_stops(command, tmp_path / "log")
