"""The generated project's own tests and checks pass, in every combination."""

import pytest
from combinations import COMBINATIONS, SERVERS, about
from rehearsal.processes import bare_environment, run


@pytest.fixture
def run_there(project, tmp_path_factory):
    """Run a command as a developer does who has cloned the project, and return what it printed."""
    folder = project.checkout(tmp_path_factory.mktemp("clone").name)
    environment = bare_environment(project.environment("requirements-dev.txt"), folder)
    return lambda command: run(command, folder, environment)


@about(COMBINATIONS)
def test_its_own_tests_pass(run_there, report):
    printed = run_there("make test")
    assert " passed" in printed
    report("own tests", int(printed.split(" passed")[0].split()[-1]))


# What ruff says of all the others is in test_files.py; types take their time, so options take turns.
@about(SERVERS)
def test_its_own_checks_pass(run_there):
    run_there("make check")
