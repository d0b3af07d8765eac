from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.harness import summary
from tests.harness.combinations import COMBINATIONS, name_of

A, B, C = (name_of(one) for one in COMBINATIONS[:3])
FIRST = f"{summary.PROOF}test_files.py::test_its_files"


def report(name: str, combination: str, outcome: Any) -> pytest.TestReport:
    properties = [("combination", combination), ("figure", ("seconds", 2))]
    return pytest.TestReport(
        f"{name}[{combination}]", ("", 0, ""), {}, outcome, None, "call", user_properties=properties
    )


def lines(**stats: list[pytest.TestReport]) -> list[str]:
    """What the summary writes of a run with these outcomes."""
    written: list[str] = []
    reporter = SimpleNamespace(stats=stats, section=written.append, write_line=written.append)
    summary.pytest_terminal_summary(reporter)
    return written


def test_a_combination_is_proven_when_its_last_test_passed_and_none_failed():
    passed = [report(FIRST, A, "passed"), report(summary.LAST, A, "passed")]
    passed += [report(FIRST, B, "passed"), report(summary.LAST, C, "passed")]
    found = lines(passed=passed, failed=[report(FIRST, C, "failed")])
    assert f"built, released, started, visited and stopped: 1 of {len(COMBINATIONS)}" in found
    assert f"failed: {C}" in found


def test_the_last_test_of_a_combination_exists():
    path, name = summary.LAST.split("::")
    assert f"def {name}(" in Path(path).read_text()


def test_a_test_is_flaky_when_it_failed_and_then_passed():
    once, twice = report("tests/a.py::test_a", A, "rerun"), report("tests/b.py::test_b", A, "rerun")
    found = lines(
        rerun=[once, twice],
        passed=[report("tests/a.py::test_a", A, "passed")],
        failed=[report("tests/b.py::test_b", A, "failed")],
    )
    assert [line for line in found if line.startswith("flaky")] == [f"flaky: {once.nodeid}"]
    assert f"seconds: {A} 2, {A} 2" in found
