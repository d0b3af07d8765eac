"""Invalid variables stop each process with a sentence each."""

import pytest

from rehearse.processes import CommandFailed
from tests.harness.combinations import by_name, for_combinations
from tests.harness.failures import output_of_failed

# Invalid variables, set together, and part of the error for each.
MALFORMED = {
    "DATABASE_URL=postgres//host/name": "DATABASE_URL: Not a valid database URL.",
    "DEBUG=perhaps": "DEBUG: Not a valid boolean.",
    "LOG_LEVEL=LOUD": "LOG_LEVEL: Not a valid log level.",
    "ADMIN_PATH=/admin": "ADMIN_PATH: Must be a path, such as 'back-office/'.",
}
UNSAFE = {
    "DATABASE_URL=sqlite:///db.sqlite3": "DATABASE_URL must name a PostgreSQL database.",
    "ALLOWED_HOSTS=*": "ALLOWED_HOSTS contains '*', which is not a host name.",
    "SECRET_KEY=for-development-only": "Your SECRET_KEY has less than 50 characters",
    "DEBUG=true": "You should not have DEBUG set to True in deployment.",
}
ADDRESS = {"SENTRY_DSN=sentry.example": "SENTRY_DSN: Unsupported scheme ''."}


def assert_stopped(process: str, deployment, problems: dict[str, str]) -> None:
    """With these variables the process ends, and prints each sentence once."""
    changes = dict(variable.split("=", 1) for variable in problems)
    printed = output_of_failed(process, deployment, deployment.environment | changes)
    assert [printed.count(sentence) for sentence in problems.values()] == [1] * len(problems)


@pytest.mark.parametrize("problems", [MALFORMED, UNSAFE, ADDRESS], ids=["bad", "unsafe", "sentry"])
def test_invalid_variables_stop_the_web_process(deployment, problems):
    assert_stopped("web", deployment, problems)


@for_combinations(by_name("heroku-wsgi-gunicorn-use_celery-use_s3_media"))
def test_invalid_variables_stop_the_release_and_the_worker(deployment):
    for process in ("release", "worker"):
        assert_stopped(process, deployment, MALFORMED)


@for_combinations(by_name("digitalocean-wsgi-waitress-use_celery"))
def test_a_missing_source_map_fails_the_project_s_own_tests(clone):
    clone.write("static/vendored.js", "//# sourceMappingURL=vendored.js.map\n")
    with pytest.raises(
        CommandFailed, match=r"vendored\.js\.map(.|\n)+ add the missing file to static/"
    ):
        clone.run("pytest config/tests.py")
