"""The generated project's own tests pass in every combination, and its checks with every option."""

import pytest

from rehearsal.combinations import (
    CHOICES,
    COMBINATIONS,
    OPTIONS,
    by_name,
    for_combinations,
    is_asgi,
)
from rehearsal.processes import developer_environment, run


@pytest.fixture
def run_there(project, tmp_path_factory):
    """Run a command as a developer does who has cloned the project, and return what it printed."""
    folder = project.checkout(tmp_path_factory.mktemp("clone").name)
    environment = developer_environment(project.environment("requirements-dev.txt"), folder)
    return lambda command: run(command, folder, environment)


def is_first(answers: dict) -> bool:
    """True on one platform, and False on the other, for each server with each set of options."""
    return sum(CHOICES[name].index(value) for name, value in answers.items()) % 2 == 0


# What depends on the platform: all else is the same code on both.
PLATFORM_TESTS = "paas/tests/test_{production,procfile,app_spec,bucket}.py tests/test_throttle.py"


@for_combinations([answers for answers in COMBINATIONS if is_first(answers)])
def test_its_own_tests_pass(run_there, report):
    printed = run_there("make test")
    assert " passed" in printed
    report("own tests", int(printed.split(" passed")[0].split()[-1]))


@for_combinations([answers for answers in COMBINATIONS if not is_first(answers)])
def test_what_depends_on_the_platform_passes_on_the_other_one(run_there):
    assert " passed" in run_there(f"pytest $(ls {PLATFORM_TESTS} 2>/dev/null)")


# What ruff says of the others is in test_files.py. Types take their time: so here is each server, and
# each option with each platform and interface.
TYPED = by_name(
    "heroku-asgi-daphne-use_celery-use_s3_media",
    "digitalocean-asgi-gunicorn-use_s3_media",
    "heroku-wsgi-gunicorn-use_s3_media",
    "digitalocean-wsgi-waitress-use_celery",
)


def test_the_checks_meet_every_option_with_each_platform_and_interface():
    assert {answers["server"] for answers in TYPED} == set(CHOICES["server"])
    for option in OPTIONS:
        met = [answers for answers in TYPED if answers[option]]
        assert {answers["platform"] for answers in met} == set(CHOICES["platform"]), option
        assert {is_asgi(answers) for answers in met} == {True, False}, option


@for_combinations(TYPED)
def test_its_own_checks_pass(run_there):
    run_there("make check")
