"""The hooks, the scripts, the harness and the tests pass mypy together."""

import os
import subprocess
import sys

from tests.harness.combinations import TEMPLATE


def test_mypy_finds_nothing_in_the_hooks_the_scripts_and_the_tests():
    command = [sys.executable, "-m", "mypy", "--cache-dir", os.devnull]
    done = subprocess.run(command, cwd=TEMPLATE, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
