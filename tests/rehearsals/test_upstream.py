"""Each fault that docs/upstream.md reports is still there, in the locked versions."""

import re

import pytest

from harness.combinations import TEMPLATE
from rehearsal.processes import CommandFailed, bare_environment, run
from rehearsal.services import free_port

SCRIPTS = TEMPLATE / "tests/upstream"
# | [script.py](...) | the fault | known as | until then |
ROW = re.compile(r"^\| \[(\w+\.py)\]\(\S+\) \|.*\| (.+) \|$", re.MULTILINE)
UNTIL_THEN = dict(ROW.findall((TEMPLATE / "docs/upstream.md").read_text()))


def test_each_report_has_a_script():
    assert sorted(UNTIL_THEN) == sorted(script.name for script in SCRIPTS.glob("*.py"))


@pytest.mark.parametrize("script", UNTIL_THEN)
def test_a_reported_fault_is_still_there(script, locked_programs, tmp_path):
    environment = bare_environment(locked_programs, tmp_path) | {"PORT": str(free_port())}
    try:
        run(f"python -B {SCRIPTS / script}", tmp_path, environment)
    except CommandFailed as failure:
        # Else the script itself is broken.
        assert str(failure).splitlines()[-1].startswith("AssertionError: "), failure
    else:
        pytest.fail(f"fixed upstream: withdraw the report, and drop our {UNTIL_THEN[script]}")
