"""Invalid variables, and unsafe edits of the settings, stop each process with a sentence each."""

import re

import pytest

from rehearse.processes import CommandFailed
from tests.harness.combinations import (
    EACH_PLATFORM,
    by_name,
    for_combinations,
    is_asgi,
)
from tests.harness.failures import errors, output_of_failed

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


def release_with(deployment, **changes: str) -> list[str]:
    """The deploy checks' errors of a release with these variables, which has to fail."""
    return errors(output_of_failed("release", deployment, deployment.environment | changes))


# Edits of config/settings.py that someone may make in good faith, and the settings that the release
# then names.
UNSAFE_EDITS = {
    "SECURE_CONTENT_TYPE_NOSNIFF = False": "SECURE_CONTENT_TYPE_NOSNIFF",  # only a warning
    "SECURE_SSL_REDIRECT = False": "SECURE_SSL_REDIRECT",
    "CSRF_COOKIE_SECURE = False": "CSRF_COOKIE_SECURE",
    'CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}\n'
    'SESSION_ENGINE = "django.contrib.sessions.backends.cache"': "SESSION_ENGINE",
}
UNSAFE_WITH_ASGI = {
    'CHANNEL_LAYERS["default"]["BACKEND"] = "channels.layers.InMemoryChannelLayer"': "CHANNEL_LAYERS",
}


@for_combinations(EACH_PLATFORM)
def test_unsafe_edits_of_the_settings_stop_the_release(deployment, project, tmp_path):
    edits = UNSAFE_EDITS | (UNSAFE_WITH_ASGI if is_asgi(project.answers) else {})
    (tmp_path / "edited.py").write_text("\n".join(["from config.settings import *", *edits]))
    edited = {"DJANGO_SETTINGS_MODULE": "edited", "PYTHONPATH": str(tmp_path)}
    found = release_with(deployment, **edited)
    assert len(found) == len(edits)
    assert [name for name in edits.values() if not any(name in error for error in found)] == []


def test_too_many_connections_stop_the_release(deployment, project):
    # Under Gunicorn threads share connections.
    pooled = project.answers["server"] == "wsgi-gunicorn"
    name, value = ("DATABASE_POOL_SIZE", "11") if pooled else ("WEB_THREADS", "21")
    [error] = release_with(deployment, **{name: value})
    assert re.fullmatch(r"WEB_PROCESSES x .+ = \d\d connections, more than .+ \(20\)\.", error)
    assert name in error


@for_combinations(by_name("digitalocean-wsgi-waitress-use_celery"))
def test_a_missing_source_map_fails_the_project_s_own_tests(clone):
    clone.write("static/vendored.js", "//# sourceMappingURL=vendored.js.map\n")
    with pytest.raises(
        CommandFailed, match=r"vendored\.js\.map(.|\n)+ add the missing file to static/"
    ):
        clone.run("pytest config/tests.py")
