"""Run tests in copies of the repository, with and without a mutant's edit."""

import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from rehearsal.buildpack import install
from rehearsal.combinations import COMBINATIONS, TEMPLATE, by_name, name_of
from rehearsal.processes import bare_environment
from scripts.mutants.row import Mutant

# One waits for a server while the others keep two cores busy.
WORKERS = 3
SECONDS_PER_TEST = 300
PYTEST = ["-m", "pytest", "-p", "no:cacheprovider"]


@dataclass(frozen=True)
class Group:
    """Tests that run in one go: all of one level and one combination."""

    level: str
    answers: str
    tests: tuple[str, ...]


@dataclass
class Outcome:
    """``results`` are "passed", "failed", "error" or "not run", by test. ``mutant`` is None for the
    run without an edit, in which every test must pass.
    """

    group: Group
    mutant: Mutant | None
    results: dict[str, str]
    output: str
    seconds: float

    @property
    def is_expected(self) -> bool:
        expected = "failed" if self.mutant else "passed"
        return all(result == expected for result in self.results.values())

    def __str__(self) -> str:
        subject = self.mutant or f"no edit, {self.group.level} {self.group.answers}"
        unexpected = [f"{test} {result}" for test, result in self.results.items()]
        verdict = "as expected" if self.is_expected else ", ".join(unexpected)
        return f"{subject} ({self.seconds:.0f} s): {verdict}"


class Runner:
    """Copies of the repository, and environments of the projects, below ``folder``."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.copies: queue.Queue[Path] = queue.Queue()
        for number in range(WORKERS):
            self.copies.put(copy_repository(folder / f"copy-{number}"))
        self.locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def run(self, mutants: list[Mutant]) -> Iterator[Outcome]:
        """First without an edit, all the tests that the mutants name; then mutant by mutant."""
        jobs: list[tuple[Group, Mutant | None]] = [(group, None) for group in groups(mutants)]
        jobs += [(Group(each.level, each.answers, each.tests), each) for each in mutants]
        with ThreadPoolExecutor(WORKERS) as executor:
            yield from executor.map(lambda job: self.run_one(*job), jobs)

    def run_one(self, group: Group, mutant: Mutant | None) -> Outcome:
        started = time.monotonic()
        copy = self.copies.get()
        try:
            with edited(copy, mutant), tempfile.TemporaryDirectory(dir=self.folder) as scratch:
                run = self.run_in_project if group.level == "project" else self.run_in_template
                output = run(copy, group, Path(scratch))
                results = read_results(Path(scratch, "results.xml"), group.tests)
        finally:
            self.copies.put(copy)
        return Outcome(group, mutant, results, output, time.monotonic() - started)

    def run_in_project(self, copy: Path, group: Group, scratch: Path) -> str:
        (answers,) = by_name(group.answers)
        bake = [sys.executable, "-m", "cookiecutter", "--no-input", "-o", f"{scratch}/baked"]
        questions = [f"{name}={answer}" for name, answer in answers.items()]
        done = subprocess.run(
            [*bake, copy, *questions], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            return done.stderr
        project = scratch / "baked/my_site"
        with self.locks[group.answers]:
            environment = self.folder / group.answers
            if not environment.exists():
                install("requirements-dev.txt", project, environment)
        command = [environment / "bin/python", *PYTEST]
        return run_pytest(
            command, group, project, scratch, bare_environment(environment / "bin", scratch)
        )

    def run_in_template(self, copy: Path, group: Group, scratch: Path) -> str:
        command = [sys.executable, *PYTEST, "-n0", "--basetemp", scratch / "tests"]
        # Tests of this combination, but not of one with a longer name, and tests of none.
        others = " or ".join(map(name_of, COMBINATIONS))
        keep = f"({group.answers} and not {group.answers}-use) or not ({others})"
        command += ["-k", keep]
        return run_pytest(command, group, copy, scratch, dict(os.environ))


def groups(mutants: list[Mutant]) -> list[Group]:
    """All tests that these mutants name, by level and combination."""
    tests: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for mutant in mutants:
        tests[mutant.level, mutant.answers] |= dict.fromkeys(mutant.tests)
    return [Group(*key, tuple(names)) for key, names in tests.items()]


def copy_repository(copy: Path) -> Path:
    """A copy of the files that git knows, as they are in the working tree."""
    listed = subprocess.run(["git", "ls-files"], cwd=TEMPLATE, check=True, capture_output=True)
    for name in listed.stdout.decode().splitlines():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(TEMPLATE / name, copy / name)
    return copy


@contextmanager
def edited(copy: Path, mutant: Mutant | None) -> Iterator[None]:
    """Apply the mutant's edit, and undo it. Raises ValueError if ``old`` does not stand there once."""
    if mutant is None:
        yield
        return
    file = copy / mutant.file
    source = file.read_text()
    if source.count(mutant.old) != 1:
        raise ValueError(f"Not found once in {mutant.file}: {mutant.old!r}")
    file.write_text(source.replace(mutant.old, mutant.new))
    try:
        yield
    finally:
        file.write_text(source)


def run_pytest(
    command: list, group: Group, folder: Path, scratch: Path, environment: dict[str, str]
) -> str:
    """Run the group's tests in ``folder`` and return what pytest printed. If it takes
    too long it is interrupted, so that its fixtures still end their processes.
    """
    process = subprocess.Popen(
        [*command, "--junitxml", scratch / "results.xml", *group.tests],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        return process.communicate(timeout=SECONDS_PER_TEST * len(group.tests))[0]
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        return process.communicate()[0]


def read_results(report: Path, tests: tuple[str, ...]) -> dict[str, str]:
    """What became of each test. With several parameters, one failure is enough."""
    results = dict.fromkeys(tests, "not run")
    cases = ElementTree.parse(report).iter("testcase") if report.exists() else ()
    for case in cases:
        name = "{}.py::{}".format(
            case.get("classname", "").replace(".", "/"), case.get("name", "").partition("[")[0]
        )
        if results.get(name) in ("not run", "passed"):
            results[name] = outcome_of(case)
    return results


def outcome_of(case: ElementTree.Element) -> str:
    for tag, outcome in {"failure": "failed", "error": "error", "skipped": "skipped"}.items():
        if case.find(tag) is not None:
            return outcome
    return "passed"
