"""Each fault that docs/upstream.md reports is still there, in the locked versions."""

import re

import pytest

from rehearse.processes import CommandFailed, bare_environment, run
from rehearse.services import free_port
from tests.harness.combinations import PACKAGE, TEMPLATE

SCRIPTS = TEMPLATE / "tests/upstream"
# | [script.py](...) | the fault | known as | our workaround |
ROW = re.compile(r"^\| \[(\w+\.py)\]\(\S+\) \|.*\| (.+) \|$", re.MULTILINE)
WORKAROUNDS = dict(ROW.findall((TEMPLATE / "docs/upstream.md").read_text()))


def test_each_report_has_a_script():
    assert sorted(WORKAROUNDS) == sorted(script.name for script in SCRIPTS.glob("*.py"))


def test_each_workaround_is_in_the_package():
    source = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    names = re.findall(r"`(\w+)(?:\(\))?`", " ".join(WORKAROUNDS.values()))
    assert [name for name in names if not re.search(rf"\b{name}\b", source)] == []


@pytest.mark.parametrize("script", WORKAROUNDS)
def test_a_reported_fault_is_still_there(script, locked_programs, tmp_path):
    environment = bare_environment(locked_programs, tmp_path) | {"PORT": str(free_port())}
    try:
        run(f"python -B {SCRIPTS / script}", tmp_path, environment)
    except CommandFailed as failure:
        # Else the script itself is broken.
        assert str(failure).splitlines()[-1].startswith("AssertionError: "), failure
    else:
        pytest.fail(f"fixed upstream: withdraw the report. Our workaround: {WORKAROUNDS[script]}")
