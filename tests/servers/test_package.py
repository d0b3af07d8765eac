"""The tests of django-paas pass with each server, beside all that a project with it installs."""

import shlex

import pytest

from rehearse.processes import run
from tests.harness.combinations import COMBINATIONS, OPTIONS, PACKAGE, TEMPLATE, for_combinations

EACH_SERVER = [
    answers
    for answers in COMBINATIONS
    if answers["platform"] == "heroku" and all(answers[option] for option in OPTIONS)
]
# It has Daphne too, for `runserver`.
UVICORN = [answers for answers in EACH_SERVER if answers["server"] == "asgi-uvicorn"]
# No files of Python or pytest: runs side by side share the folder.
PYTEST = "python -B -m pytest -p no:cacheprovider"


@pytest.fixture
def in_package(clone, project):
    """A function that runs a command in the folder of the package's tests."""
    environment = clone.environment | {"SITE_SERVER": project.answers["server"]}
    return lambda command: run(command, TEMPLATE / "tests/package", environment)


@for_combinations(EACH_SERVER, apart="package")
def test_the_tests_of_the_package_pass(in_package, report):
    printed = in_package(PYTEST)
    report("tests of the package", int(printed.split(" passed")[0].split()[-1]))


@for_combinations(UVICORN, apart="package")
def test_the_types_of_the_package_are_right(in_package, tmp_path):
    source = shlex.quote(str(PACKAGE / "src"))
    in_package(f"PYTHONPATH={source}:. DEBUG=true mypy --cache-dir {tmp_path} {source} .")
