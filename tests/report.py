"""A pytest plugin: the report that ends a run, with the figures of each combination.

Tests give figures with the fixture ``report``. The tables are printed, and written to the folder
``report`` as ``report.md`` and, for programs such as ``scripts/chart.py``, as ``report.json``:

    date, python, system, cores   when and where it was measured
    workers                       how many tests ran at once and shared the cores
    seconds                       how long the whole run took
    combinations                  for each, by name: how many tests "passed", "failed" and were
                                  "skipped"; and a number for each figure, by column. A figure that
                                  no test gave is left out.
    themes                        the columns of each table, by its title
    files                         seconds of all tests of a file, by its name; as several run at
                                  once, they add up to more than the run
"""

import json
import os
import platform
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import pytest
from combinations import COMBINATIONS, combination_in, name_of

# The first table's columns, in this order, with what they mean.
COLUMNS = {
    "boot s": "from the start of the web command to its first answer",
    "memory MB": "of all its processes after the boot; what they share counts once",
    "requests/s": "of the home page, logged in: two database queries, 32 clients",
    "sockets": "WebSockets open at once, each of which heard all that happened",
    "lost requests": "that got no complete answer while the site was stopped or deployed",
}
# The other tables: figures of these test files, by title.
THEMES = {
    "Connections and memory": ["test_budgets", "test_worker", "test_own_tests"],
    "Deploys, stops and faults": ["test_deploy", "test_stop", "test_faults"],
    "Several instances": ["test_instances", "test_periodic_tasks", "test_connection_pool"],
    "Logins": ["test_accounts"],
    "WebSockets and presence": ["test_presence", "test_presence_figures"],
    "Streams and views that wait": ["test_asgi_load", "test_asgi_requests"],
    "Limits and slow clients": ["test_limits", "test_slow_clients", "test_waitress"],
}
OTHER_THEME = "Other figures"
COUNTS = {"failed": "FAILED", "passed": "passed", "skipped": "skipped"}
OUTCOMES = {"passed": "passed", "skipped": "skipped", "failed": "failed", "error": "failed"}
STARTED = pytest.StashKey[float]()


@pytest.fixture
def report(record_property):
    """Put a figure, a number, into the combination's row; ``column`` ends in its unit."""

    def put(column: str, figure: float) -> None:
        record_property("figure", (column, figure))

    return put


def pytest_configure(config):
    config.stash[STARTED] = time.monotonic()


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter, config):
    rows = rows_of(terminalreporter.stats)
    if not any(map(result, rows.values())):
        return
    found = {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "workers": config.getoption("numprocesses") or 1,
        "seconds": round(time.monotonic() - config.stash[STARTED]),
        "combinations": rows,
        "themes": themes_of(terminalreporter.stats),
        "files": seconds_of_files(terminalreporter.stats),
    }
    folder = config.rootpath / "report"
    folder.mkdir(exist_ok=True)
    (folder / "report.json").write_text(json.dumps(found, indent=2) + "\n")
    (folder / "report.md").write_text(f"# Figures\n\n{markdown(found)}")
    terminalreporter.section("combinations")
    terminalreporter.write(markdown(found))


def rows_of(stats: dict[str, list]) -> dict[str, dict]:
    """Each combination's counts and figures, from the tests that pytest sorted by outcome."""
    rows: dict[str, dict] = {name_of(answers): dict.fromkeys(COUNTS, 0) for answers in COMBINATIONS}
    for outcome, count in OUTCOMES.items():
        for test in stats.get(outcome, []):
            if name := combination_in(test.nodeid):
                rows[name][count] += 1
    for name, _, column, figure in figures(stats):
        rows[name][column] = figure
    return rows


def figures(stats: dict[str, list]) -> Iterator[tuple[str, str, str, float]]:
    """The combination, the test file, the column and the value of each figure."""
    for test in chain.from_iterable(stats.get(outcome, []) for outcome in OUTCOMES):
        if name := combination_in(test.nodeid):
            for key, value in test.user_properties:
                if key == "figure":
                    yield name, file_of(test.nodeid), *value


def themes_of(stats: dict[str, list]) -> dict[str, list[str]]:
    """The columns of each table but the first, by title."""
    titles = {file: title for title, files in THEMES.items() for file in files}
    found: dict[str, set[str]] = {title: set() for title in [*THEMES, OTHER_THEME]}
    for _, file, column, _ in figures(stats):
        if column not in COLUMNS:
            found[titles.get(file, OTHER_THEME)].add(column)
    return {title: sorted(columns) for title, columns in found.items() if columns}


def seconds_of_files(stats: dict[str, list]) -> dict[str, int]:
    """How long the tests of each file took with their fixtures, the longest first."""
    seconds: dict[str, float] = defaultdict(float)
    # Under "" are the fixtures of tests that passed.
    for outcome in ["", *OUTCOMES]:
        for phase in stats.get(outcome, []):
            seconds[file_of(phase.nodeid)] += phase.duration
    return {file: round(seconds[file]) for file in sorted(seconds, key=seconds.get, reverse=True)}


def file_of(nodeid: str) -> str:
    return Path(nodeid.partition("::")[0]).stem


def result(row: dict) -> str:
    """What became of the combination's tests; nothing if none was run."""
    return ", ".join(f"{row[count]} {word}" for count, word in COUNTS.items() if row[count])


def markdown(found: dict) -> str:
    """What is in ``report.json``, for people."""
    rows = found["combinations"]
    rows = {name: row | {"result": result(row) or "not run"} for name, row in rows.items()}
    where = "{date}, Python {python}, {system}, {cores} cores, tests at once: {workers}, "
    parts = [
        (where + "seconds in all: {seconds}.").format_map(found),
        "Both platforms were played on this machine, so their figures differ mostly by noise.",
        table(rows, [*COLUMNS, "result"]),
        "\n".join(f"- {column}: {meaning}" for column, meaning in COLUMNS.items()),
    ]
    for title, columns in found["themes"].items():
        parts += [f"## {title}", table(rows, columns)]
    parts += [
        "## Seconds per test file",
        "Several run at once, so they add up to more than the run.",
        "\n".join(f"- {file}: {seconds}" for file, seconds in found["files"].items() if seconds),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def table(rows: dict[str, dict], columns: list[str]) -> str:
    """A Markdown table of the combinations that have any of these columns; what one lacks is an
    empty cell. Nothing if none has.
    """
    lines = [
        [name, *(str(row.get(column, "")) for column in columns)]
        for name, row in rows.items()
        if not row.keys().isdisjoint(columns)
    ]
    if not lines:
        return ""
    lines = [["combination", *columns], ["---", *["--:"] * len(columns)], *lines]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        f"| {line[0]:{widths[0]}} | {' | '.join(map(str.rjust, line[1:], widths[1:]))} |"
        for line in lines
    )
