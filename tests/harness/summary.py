"""The closing lines of a run: figures, and flaky tests."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.combinations import name_of


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
