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

from tests.harness.combinations import COMBINATIONS, PROJECT, TEMPLATE, name_of

PROTECTIONS = (TEMPLATE / "docs/protections.md").read_text()
ROWS = tomllib.loads((TEMPLATE / "scripts/mutants/table.toml").read_text())
PACKAGE_TESTS = list(TEMPLATE.glob("tests/package/test_*.py"))
TESTS = {
    path: path.read_text()
    for path in TEMPLATE.glob("tests/**/test_*.py")
    if path not in PACKAGE_TESTS
}
# The text of all tests, by where they are. Those of the template run in this environment.
SOURCES = {
    "project": "".join(path.read_text() for path in PROJECT.glob("**/test*.py")),
    "package": "".join(path.read_text() for path in PACKAGE_TESTS),
    "template": "".join(TESTS.values()),
}


def find(name: str) -> Path:
    """The file in the project, or else in this repository."""
    return PROJECT / name if (PROJECT / name).exists() else TEMPLATE / name


def defined_in(test: str) -> list[str]:
    """Where there is a test of this name, whatever its parameters."""
    definition = f"def {test.partition('[')[0]}("
    return [place for place, source in SOURCES.items() if definition in source]


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
        file = find(row["file"])
        assert file.read_text().count(row["old"]) == 1, row
        assert row.get("answers") in [None, *map(name_of, COMBINATIONS)], row
        [place] = defined_in(row["test"])
        # Its tests see nothing of a project.
        assert place != "package" or row["file"].startswith(("vendor/", "tests/package/")), row
    tests = {row["test"] for row in mutants if defined_in(row["test"]) == ["template"]}
    definitions = [f"def {test.partition('[')[0]}(" for test in tests]
    paths = [path for path, text in TESTS.items() if any(one in text for one in definitions)]
    assert tests - collected(paths) == set()


def test_the_files_and_tests_of_every_protection_exist():
    names = re.findall(r"`(test_\w+)`", PROTECTIONS)
    assert [name for name in names if not defined_in(name)] == []
    cells = re.findall(r"^\| .+? \| (.*) \| `test_", PROTECTIONS, re.MULTILINE)
    files = re.findall(r"`(.+?)`", "".join(cells))
    assert files
    assert [name for name in files if not find(name).exists()] == []
