"""The tests and checks of a project, and those of django-paas, pass with each server."""

import shlex

import pytest

from rehearse.processes import run
from tests.harness.combinations import (
    COMBINATIONS,
    OPTIONS,
    OWN_TESTS,
    PACKAGE,
    TEMPLATE,
    by_name,
    for_combinations,
)

# Each would fail a test, or change data that is not the tests'.
DEVELOPERS_ENV = """\
DEBUG=false
DATABASE_URL=postgres://localhost:1/none
REDIS_URL=redis://localhost:1
EMAIL_URL=smtp://localhost:1
SIGN_UP=closed
STAFF_NEEDS_SECOND_FACTOR=true
SENTRY_DSN=http://key@localhost:1/1
SITE_NAME=Another name
ADMIN_PATH=elsewhere/
AWS_STORAGE_BUCKET_NAME=a-real-bucket
AWS_S3_REGION_NAME=us-east-1
AWS_ACCESS_KEY_ID=an-id
AWS_SECRET_ACCESS_KEY=a-key
AWS_S3_ENDPOINT_URL=http://localhost:1
"""


# Nothing is deployed: these may run on a worker of their own.
@for_combinations(OWN_TESTS, apart="own tests")
def test_own_tests_pass_and_read_no_env_file(clone, report):
    clone.write(".env", DEVELOPERS_ENV)
    printed = clone.run("make test", PORT="8080")  # as in the terminal of a cloud IDE
    report("own tests", int(printed.split(" passed")[0].split()[-1]))


# All examples and one, ASGI and WSGI, on each platform.
@for_combinations(
    by_name("heroku-asgi-uvicorn-use_celery-use_s3_media", "digitalocean-wsgi-waitress-use_celery"),
    apart="own tests",
)
def test_own_checks_pass(clone):
    clone.run("make check")


ALL_OPTIONS = [
    answers
    for answers in COMBINATIONS
    if answers["platform"] == "heroku" and all(answers[option] for option in OPTIONS)
]
# No files of Python or pytest: runs side by side share the folder.
PYTEST = "python -B -m pytest -p no:cacheprovider"


@pytest.fixture
def in_package(clone, project):
    """A function that runs a command in the folder of the package's tests."""
    environment = clone.environment | {"SITE_SERVER": project.answers["server"]}
    return lambda command: run(command, TEMPLATE / "tests/package", environment)


@for_combinations(ALL_OPTIONS, apart="package")
def test_package_tests_pass(in_package, report):
    printed = in_package(PYTEST)
    report("tests of the package", int(printed.split(" passed")[0].split()[-1]))


@for_combinations(by_name("heroku-asgi-uvicorn-use_celery-use_s3_media"), apart="own tests")
def test_package_types_are_right(in_package, tmp_path):
    source = shlex.quote(str(PACKAGE / "src"))
    in_package(f"PYTHONPATH={source}:. DEBUG=true mypy --cache-dir {tmp_path} {source} .")
