"""Rehearse projects that others generate beside our own, in one run of about eight minutes.

    python -m scripts.compare --cookiecutter-django COPY --python-getting-started COPY \\
      --sample-django COPY         prints the tables
    ... --keep                     and writes them into docs/comparison.md, below "## Figures"
    ... --only sample-django       only the columns with this text in their name

Each COPY is a local git repository, bare or not, whose newest commit is taken. Without it, its
projects are left out. Nothing of theirs is kept.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rehearse.steps import STEPS
from scripts.bench.tables import Row, table
from scripts.compare.projects import PROJECTS, REPOSITORIES, Project, commit
from tests.harness.combinations import TEMPLATE

DOCUMENT = TEMPLATE / "docs/comparison.md"
MARK = "## Figures\n"
NOTE = """\
{date}, Python {python} for `rehearse` itself, {cores} cores, which the clients and services share. "-" is
a step that does not apply."""
LOAD_NOTE = """\
CPU is of all the web processes, for one page; the ratio is to the first column. The pages are each
project's own: the first, and what it links to. They differ in what they show, and only some open a
session or ask the database."""
Reports = dict[str, dict]


def main() -> None:
    options = parse_arguments()
    copies: dict[str, Path | None] = {name: getattr(options, key(name)) for name in REPOSITORIES}
    chosen = [
        one
        for one in PROJECTS
        if options.only in one.name and (not one.repository or copies[one.repository])
    ]
    reports: Reports = {}
    for project in chosen:
        print(f"\n{project.name}", flush=True)
        reports[project.name] = rehearse(project, copies.get(project.repository))
    text = render(chosen, copies, reports)
    print(f"\n{text}")
    if options.keep:
        written = DOCUMENT.read_text().partition(MARK)[0]
        DOCUMENT.write_text(written + text)


def key(repository: str) -> str:
    return repository.replace("-", "_")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, address in REPOSITORIES.items():
        parser.add_argument(f"--{name}", type=copy, metavar="COPY", help=f"a clone of {address}")
    parser.add_argument("--keep", action="store_true", help="write docs/comparison.md")
    parser.add_argument("--only", default="", help="columns with this text in their name")
    options = parser.parse_args()
    missing = [name for name in REPOSITORIES if not getattr(options, key(name))]
    if options.keep and (missing or options.only):
        parser.error(f"--keep needs every project: --{(missing or ['only'])[0]}")
    return options


def copy(written: str) -> Path:
    path = Path(written)
    if not any((path / name).exists() for name in (".git", "HEAD")):
        raise argparse.ArgumentTypeError(f"{written} is no git repository; git clone one there")
    return path


def rehearse(project: Project, copy: Path | None) -> dict:
    """The report of ``rehearse``, run as its user runs it; SystemExit if it cannot start."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, report = project.make(copy, Path(temporary)), Path(temporary, "report.json")
        command = [sys.executable, "-m", "rehearse", str(folder), "--json", str(report)]
        for name, value in project.variables.items():
            command += ["--set", f"{name}={value}"]
        done = subprocess.run(command, check=False, cwd=TEMPLATE)
        if done.returncode not in (0, 1):
            raise SystemExit(f"{project.name}: rehearse ended with {done.returncode}")
        return json.loads(report.read_text())


def render(projects: list[Project], copies: dict[str, Path | None], reports: Reports) -> str:
    """All that --keep writes: tables, and what was set."""
    date, cores = datetime.now(UTC).date().isoformat(), os.cpu_count()
    note = NOTE.format(date=date, python=platform.python_version(), cores=cores)
    used = {one.repository for one in projects}
    commits: list[Row] = [
        {"repository": address, "commit": commit(copy)}
        for name, address in REPOSITORIES.items()
        if (copy := copies[name]) and name in used
    ]
    return (
        "\n\n".join(
            [
                f"{MARK}\n{note}",
                table(step_rows(reports)),
                f"### Load\n\n{LOAD_NOTE}",
                table(load_rows(reports)),
                "### What had to be set",
                *([table(commits)] if commits else []),
                *map(preparation, projects),
            ]
        ).rstrip()
        + "\n"
    )


def step_rows(reports: Reports) -> list[Row]:
    """A row for each step of a rehearsal, and one for their number; a column for each project."""
    rows: list[Row] = [
        {"step": step.name, **{name: cell(one, step.name) for name, one in reports.items()}}
        for step in STEPS
    ]
    totals = {name: f"{one['passed']} of {len(one['steps'])}" for name, one in reports.items()}
    return [*rows, {"step": "passed", **totals}]


def cell(report: dict, name: str) -> str:
    found = find(report, name)
    if not found:
        return "-"
    if found["status"] != "ok":
        return ": ".join(filter(None, [f"**{found['status']}**", found["text"]]))
    return "ok" if name == "load" else found["text"] or "ok"


def find(report: dict, name: str) -> dict:
    return next((step for step in report["steps"] if step["name"] == name), {})


def load_rows(reports: Reports) -> list[Row]:
    """A row for each project, with the figures of the steps boot and load."""
    rows: list[Row] = []
    base = None
    for name, report in reports.items():
        figures = find(report, "boot").get("figures", {}) | find(report, "load").get("figures", {})
        cpu = figures.get("cpu_ms_per_page")
        base = base or cpu
        rows.append(
            {
                "project": name,
                "Python": report["python"].removeprefix("python "),
                "boot s": figures.get("boot_s", ""),
                "MB": figures.get("megabytes", ""),
                "CPU ms": cpu if cpu is not None else "",
                "ratio": cpu / base if cpu is not None and base else "",
                "pages": str(figures.get("paths", "")),
                "connections": f"{figures['connections']:.0f}" if cpu is not None else "",
            }
        )
    return rows


def preparation(project: Project) -> str:
    """How the project was made: answers, changes of the copy, variables."""
    lines = [f"**{project.name}**", ""]
    if project.answers:
        answers = " ".join(f"{name}={value}" for name, value in project.answers.items())
        lines.append(f"- answers: `{answers}`, and the defaults of all else")
    lines += [f"- changed in the copy: {edit}" for edit in project.edits]
    if project.variables:
        values = " ".join(f"--set {name}={value}" for name, value in project.variables.items())
        lines.append(f"- variables: `{values}`")
    if not project.edits and not project.variables:
        lines.append("- nothing else")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
