"""The closing lines of a run: how many combinations are proven, figures, and flaky tests."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.harness.combinations import COMBINATIONS, name_of

# The tests that prove a combination, and the last of them.
PROOF = "tests/combinations/"
LAST = f"{PROOF}test_combination.py::test_a_request_in_flight_at_sigterm_is_answered_and_the_process_ends"


@pytest.fixture
def report(record_property):
    """A function that adds a figure to the closing lines; its name ends in its unit."""

    def put(name: str, figure: float | str) -> None:
        record_property("figure", (name, figure))

    return put


def pytest_itemcollected(item):
    if hasattr(item, "callspec") and "project" in item.callspec.params:
        item.user_properties.append(("combination", name_of(item.callspec.params["project"])))


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter):
    stats = terminalreporter.stats
    failed = combinations(PROOF, reports(stats, "failed", "error"))
    passed = combinations(LAST, reports(stats, "passed"))
    if passed | failed:
        terminalreporter.section("combinations")
        proven = f"{len(passed - failed)} of {len(COMBINATIONS)}"
        terminalreporter.write_line(f"built, released, started, visited and stopped: {proven}")
        for name in sorted(failed):
            terminalreporter.write_line(f"failed: {name}")
    if found := figures(stats):
        terminalreporter.section("figures")
        for name, values in sorted(found.items()):
            terminalreporter.write_line(f"{name}: {', '.join(values)}")
    for name in sorted(flaky(stats)):
        terminalreporter.write_line(f"flaky: {name}")


def reports(stats: dict[str, list], *outcomes: str) -> Iterator[pytest.TestReport]:
    for outcome in outcomes:
        # Errors of collection are reports of another kind.
        yield from (test for test in stats.get(outcome, []) if isinstance(test, pytest.TestReport))


def properties(test: pytest.TestReport, name: str) -> list[Any]:
    return [value for key, value in test.user_properties if key == name]


def combinations(prefix: str, tests: Iterable[pytest.TestReport]) -> set[str]:
    """The combinations of those tests whose id begins with ``prefix``."""
    proofs = [test for test in tests if test.nodeid.startswith(prefix)]
    return {name for test in proofs for name in properties(test, "combination")}


def flaky(stats: dict[str, list]) -> set[str]:
    """The ids of the tests that failed, and then passed."""
    again, failed = reports(stats, "rerun"), reports(stats, "failed", "error")
    return {test.nodeid for test in again} - {test.nodeid for test in failed}


def figures(stats: dict[str, list]) -> dict[str, list[str]]:
    """The values of each figure, with the combination that each is of."""
    found = defaultdict(list)
    for test in reports(stats, "passed", "failed", "error"):
        for name, figure in properties(test, "figure"):
            found[name].append(" ".join([*properties(test, "combination"), str(figure)]))
    return found
