"""The tables of docs/comparison.md name what a rehearsal does."""

import pytest

from rehearse.steps import STEPS
from scripts.compare.__main__ import DOCUMENT, MARK, cell, load_rows, step_rows
from scripts.compare.projects import PROJECTS, REPOSITORIES, Edit

NAMES = [step.name for step in STEPS]
REPORT = {
    "passed": 1,
    "python": "python 3.13",
    "steps": [
        {"name": "build", "status": "fails", "text": "no manage.py", "figures": {}},
        {"name": "boot", "status": "ok", "text": "81 MB", "figures": {"boot_s": 1.1}},
    ],
}


def test_the_comparison_has_a_row_for_each_step_of_a_rehearsal():
    assert [row["step"] for row in step_rows({"ours": REPORT})] == [*NAMES, "passed"]
    lines = DOCUMENT.read_text().partition(MARK)[2].partition("###")[0].splitlines()
    rows = [line.split(" | ")[0].removeprefix("| ") for line in lines if line.startswith("| ")]
    assert rows == ["step", "---", *NAMES, "passed"]


def test_the_comparison_has_a_column_for_each_project():
    (header,) = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| step")]
    assert header.strip("| ").split(" | ")[1:] == [project.name for project in PROJECTS]
    assert {project.repository for project in PROJECTS} == {"", *REPOSITORIES}


def test_a_step_that_fails_or_does_not_apply_is_shown_as_such():
    assert cell(REPORT, "build") == "**fails**: no manage.py"
    assert cell(REPORT, "boot") == "81 MB"
    assert cell(REPORT, "headers") == "-"


def test_a_project_that_does_not_boot_has_no_figures_of_load():
    (row,) = load_rows({"theirs": REPORT | {"steps": []}})
    assert row["CPU ms"] == row["ratio"] == row["connections"] == ""


def test_an_edit_that_matches_nothing_in_a_copy_stops_the_run(tmp_path):
    (tmp_path / ".python-version").write_text("3.15\n")
    with pytest.raises(SystemExit, match="has nothing like"):
        Edit(".python-version", r"3\.14", "3.13", "").apply(tmp_path)
