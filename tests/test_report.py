"""The report that ends a run says what failed and what is missing, and programs can read it."""

import json
from pathlib import Path

import pytest
from combinations import COMBINATIONS, name_of

GOOD, BAD, BROKEN, *OTHERS = map(name_of, COMBINATIONS)
TESTS = f"""
import pytest

@pytest.fixture
def machine(combination):
    yield
    assert combination != "{BROKEN}"

@pytest.mark.parametrize("combination", ["{GOOD}", "{BAD}", "{BROKEN}"])
def test_it(combination, machine, report):
    report("boot s", 1.5)
    if combination == "{BAD}":
        report("odd figure", 7)
        pytest.fail()

@pytest.mark.parametrize("combination", ["{GOOD}"])
def test_something_else(combination):
    pytest.skip()

def test_what_is_about_no_combination(report):
    report("boot s", 9)
"""


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_run_ends_with_a_report_of_every_combination(pytester, monkeypatch, workers):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    pytester.makepyfile(TESTS)
    run = pytester.runpytest_subprocess("-p", "report", workers)

    found = json.loads((pytester.path / "report/report.json").read_text())
    none = {"failed": 0, "passed": 0, "skipped": 0}
    assert found["combinations"] == {
        GOOD: none | {"passed": 1, "skipped": 1, "boot s": 1.5},
        BAD: none | {"failed": 1, "boot s": 1.5, "odd figure": 7},
        BROKEN: none | {"failed": 1, "passed": 1, "boot s": 1.5},
        **dict.fromkeys(OTHERS, none),
    }
    assert found["themes"] == {"Other figures": ["odd figure"]}
    [file] = found["files"]
    assert file.startswith("test_")
    assert list(found["combinations"]) == [GOOD, BAD, BROKEN, *OTHERS]

    text = (pytester.path / "report/report.md").read_text()
    assert text.removeprefix("# Figures\n\n") in run.stdout.str()
    first, second = tables(text)
    assert first[0][0] == "combination"
    assert [(row[0], row[1], row[-1]) for row in first[2:]] == [
        (GOOD, "1.5", "1 passed, 1 skipped"),
        (BAD, "1.5", "1 FAILED"),
        (BROKEN, "1.5", "1 FAILED, 1 passed"),
        *((name, "", "not run") for name in OTHERS),
    ]
    assert second == [["combination", "odd figure"], ["---", "--:"], [BAD, "7"]]


def tables(markdown: str) -> list[list[list[str]]]:
    """The tables' rows of cells."""
    blocks = [block for block in markdown.split("\n\n") if block.startswith("|")]
    return [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
        for block in blocks
    ]
