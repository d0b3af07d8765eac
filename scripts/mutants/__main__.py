"""Remove each protection of docs/protections.md in turn, and check that its test fails.

    make mutants                               prints a line for each mutant
    make mutants SHARD=2/4                     only every fourth mutant, from the second on
    python -m scripts.mutants --only lockout  only those with this text in their row

First the tests run without an edit, and have to pass. The exit status is 1 if a mutant survives, or
if anything else is not as expected.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from rehearse.buildpack import install
from rehearse.processes import bare_environment
from scripts.mutants.table import MUTANTS, PACKAGE_TESTS, PROJECT, Mutant
from tests.harness.combinations import TEMPLATE, by_name

LOCKS = ("requirements.txt", "requirements-dev.txt")
# One waits for a server while the others keep two cores busy.
WORKERS = 3
# A wait for what a mutant removed times out after 120 seconds, and a test may have several.
SECONDS_PER_TEST = 600
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache")
INSTALLING = threading.Lock()


def main() -> None:
    mutants = parse_arguments()
    unedited = {
        (mutant.test, mutant.answers): replace(mutant, protection="no edit", old="", new="")
        for mutant in mutants
    }
    failures = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(WORKERS) as executor:
        for line, output in executor.map(partial(run, folder), [*unedited.values(), *mutants]):
            print(line, output, flush=True)
            failures += bool(output)
    print(f"{len(mutants)} mutants, {failures} not as expected")
    sys.exit(bool(failures))


def parse_arguments() -> list[Mutant]:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--shard", default="1/1", help="such as 2/4: the second of four parts")
    parser.add_argument("--only", default="", help="mutants with this text in their row")
    options = parser.parse_args()
    number, count = map(int, options.shard.split("/"))
    return [mutant for mutant in MUTANTS if options.only in str(mutant)][number - 1 :: count]


def run(folder: str, mutant: Mutant) -> tuple[str, str]:
    """A line with the mutant's result, and pytest's output if another result was expected."""
    started, expected = time.monotonic(), "failed" if mutant.old else "passed"
    with tempfile.TemporaryDirectory(dir=folder) as name:
        scratch = Path(name)
        repository = shutil.copytree(TEMPLATE, scratch / "repository", ignore=NOT_COPIED)
        edit(mutant, repository)
        place = next(place for place in RUNS if mutant.find_test(repository / place))
        output = RUNS[place](mutant, scratch)
        result = read_result(scratch / "results.xml")
    line = f"{time.monotonic() - started:4.0f} s  {result:8}  {mutant.protection}, {mutant.test}"
    return line, "" if result == expected else f"\n{expected} was expected:\n{output}"


def edit(mutant: Mutant, repository: Path) -> None:
    """Remove the protection. Raises ValueError unless its text is in the file exactly once."""
    file = mutant.path(repository)
    text = file.read_text()
    if mutant.old and text.count(mutant.old) != 1:
        raise ValueError(f"not exactly once in {mutant.file}: {mutant.old!r}")
    file.write_text(text.replace(mutant.old, mutant.new))


def run_in_template(mutant: Mutant, scratch: Path) -> str:
    # Without the options of pyproject.toml: in this process, and rehearsals as well.
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", f"--basetemp={scratch}/tests"]
    return run_pytest(command, mutant, scratch / "repository", scratch, dict(os.environ))


def run_in_project(mutant: Mutant, scratch: Path) -> str:
    """Bake a project with the mutant, and run its own test there."""
    (answers,) = by_name(mutant.answers)
    bake = f"{sys.executable} -m cookiecutter --no-input -o {scratch}/baked {scratch}/repository"
    questions = [f"{name}={answer}" for name, answer in answers.items()]
    subprocess.run([*bake.split(), *questions], check=True, capture_output=True)
    return run_installed("requirements-dev.txt", mutant, scratch / "baked/my_site", scratch)


def run_in_package(mutant: Mutant, scratch: Path) -> str:
    """Run the package's test, with the requirements of every project."""
    package, project = (scratch / "repository" / name for name in (PACKAGE_TESTS, PROJECT))
    # Without the package itself, whose tests run on its source. Conditions are comments.
    locks = "".join((project / name).read_text() for name in LOCKS).splitlines(keepends=True)
    lines = [line for line in locks if not line.startswith(("{{", "-r "))]
    (package / "requirements.txt").write_text("".join(dict.fromkeys(lines)))
    (answers,) = by_name(mutant.answers)
    server = {"SITE_SERVER": answers["server"]}
    return run_installed("requirements.txt", mutant, package, scratch, **server)


def run_installed(
    requirements: str, mutant: Mutant, folder: Path, scratch: Path, **variables: str
) -> str:
    environment = scratch / "environment"
    with INSTALLING:  # mutants with the same requirements share an environment
        install(requirements, folder, environment)
    command = [str(environment / "bin/python"), "-m", "pytest"]
    variables |= bare_environment(environment / "bin", scratch)
    return run_pytest(command, mutant, folder, scratch, variables)


def run_pytest(
    command: list[str], mutant: Mutant, folder: Path, scratch: Path, environment: dict[str, str]
) -> str:
    """Run the mutant's test in ``folder`` and return what pytest printed. If it takes too long it
    is interrupted, so that its fixtures still end their processes.
    """
    test = mutant.find_test(folder) or mutant.test
    process = subprocess.Popen(
        [*command, "-p", "no:cacheprovider", f"--junitxml={scratch}/results.xml", test],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        return process.communicate(timeout=SECONDS_PER_TEST)[0]
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        return process.communicate()[0]


def read_result(report: Path) -> str:
    """The result of the test. With several parameters, one failure is enough."""
    if not report.exists():
        return "not run"
    suite = ElementTree.parse(report).find("testsuite")
    results = {"failures": "failed", "errors": "error", "skipped": "skipped", "tests": "passed"}
    return next((word for name, word in results.items() if suite.get(name) != "0"), "not run")


# By where the test is.
RUNS = {PROJECT: run_in_project, PACKAGE_TESTS: run_in_package, ".": run_in_template}

if __name__ == "__main__":
    main()
