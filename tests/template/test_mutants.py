"""docs/protections.md, the table of ``make mutants`` and the source agree.

Without these tests only the weekly run would find a mismatch.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

from rehearsal.combinations import COMBINATIONS, TEMPLATE, name_of

PROJECT = TEMPLATE / "{{cookiecutter.project_slug}}"
PROTECTIONS = (TEMPLATE / "docs/protections.md").read_text()
ROWS = tomllib.loads((TEMPLATE / "scripts/mutants/table.toml").read_text())
TESTS = {path: path.read_text() for path in TEMPLATE.glob("tests/**/test_*.py")}
PROJECT_TESTS = "".join(path.read_text() for path in PROJECT.glob("**/test_*.py"))


def collected(paths: Iterable[Path]) -> set[str]:
    """The tests in these files, with their parameters in brackets."""
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", "-p", "no:cacheprovider"]
    words = [*command, "--collect-only", "--quiet", *map(str, paths)]
    done = subprocess.run(words, cwd=TEMPLATE, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:]
    return {line.partition("::")[2] for line in done.stdout.splitlines()}


@pytest.mark.skipif(sys.platform != "linux", reason="some tests import modules that only Linux has")
def test_every_protection_has_a_mutant_that_fits_the_source_or_a_reason_for_none():
    assert {*re.findall(r"^\| (.+?) \| .*`test_", PROTECTIONS, re.MULTILINE)} == ROWS.keys()
    mutants = [row for row in ROWS.values() if "without_mutant" not in row]
    for row in mutants:
        places = (PROJECT / row["file"], TEMPLATE / row["file"])
        file = next(place for place in places if place.exists())
        assert file.read_text().count(row["old"]) == 1, row
        assert row.get("answers") in [None, *map(name_of, COMBINATIONS)], row
    tests = {row["test"] for row in mutants if f"def {row['test']}(" not in PROJECT_TESTS}
    definitions = [f"def {test.partition('[')[0]}(" for test in tests]
    paths = [path for path, text in TESTS.items() if any(one in text for one in definitions)]
    assert tests - collected(paths) == set()


def test_the_tests_that_are_said_to_hold_a_protection_exist():
    source = PROJECT_TESTS + "".join(TESTS.values())
    names = re.findall(r"`(test_\w+)`", PROTECTIONS)
    assert [name for name in names if f"def {name}(" not in source] == []
