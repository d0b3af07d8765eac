"""Invalid configuration stops each process, with a sentence for each error."""

import re

import pytest

from tests.harness.combinations import (
    EACH_PLATFORM,
    SERVERS,
    by_name,
    for_combinations,
    has_processes,
    is_asgi,
)
from tests.harness.failures import errors, output_of_failed

SEVERAL = [answers for answers in SERVERS if has_processes(answers)]
for_one = for_combinations(EACH_PLATFORM[:1])

# Invalid variables, set together, and part of the error for each.
MALFORMED = {
    "DATABASE_URL=postgres//host/name": "DATABASE_URL: Not a valid database URL.",
    "DEBUG=perhaps": "DEBUG: Not a valid boolean.",
    "LOG_LEVEL=LOUD": "LOG_LEVEL: Not a valid log level.",
    "ADMIN_PATH=/admin": "ADMIN_PATH: Must be a path, such as 'back-office/'.",
    "SECURE_HSTS_SECONDS=0": "SECURE_HSTS_SECONDS: Must be greater than or equal to 1.",
}
UNSAFE = {
    "DATABASE_URL=sqlite:///db.sqlite3": "DATABASE_URL must name a PostgreSQL database.",
    "ALLOWED_HOSTS=*": "ALLOWED_HOSTS contains '*', which is not a host name.",
    "SECRET_KEY=for-development-only": "Your SECRET_KEY has less than 50 characters",
    "DEBUG=true": "You should not have DEBUG set to True in deployment.",
}
ADDRESS = {"SENTRY_DSN=sentry.example": "SENTRY_DSN: Unsupported scheme ''."}


@pytest.mark.parametrize(
    "problems", [MALFORMED, UNSAFE, ADDRESS], ids=["malformed", "unsafe", "address"]
)
def test_the_web_process_exits_if_a_variable_is_invalid_or_unsafe(deployment, problems):
    changes = dict(variable.split("=", 1) for variable in problems)
    printed = output_of_failed("web", deployment, deployment.environment | changes)
    assert [printed.count(sentence) for sentence in problems.values()] == [1] * len(problems)


@for_combinations(by_name("digitalocean-wsgi-waitress-use_celery"))
def test_a_worker_exits_if_a_variable_is_invalid(deployment):
    changes = dict(variable.split("=", 1) for variable in MALFORMED)
    printed = output_of_failed("worker", deployment, deployment.environment | changes)
    assert [printed.count(sentence) for sentence in MALFORMED.values()] == [1] * len(MALFORMED)


def release_with(deployment, **changes: str) -> list[str]:
    """The deploy checks' errors of a release with these variables, which has to fail."""
    return errors(output_of_failed("release", deployment, deployment.environment | changes))


def release_after(deployment, folder, lines: list[str]) -> list[str]:
    """The errors with these lines at the end of the settings."""
    (folder / "edited.py").write_text("\n".join(["from config.settings import *", *lines]))
    return release_with(deployment, DJANGO_SETTINGS_MODULE="edited", PYTHONPATH=str(folder))


@for_one
def test_the_release_names_each_variable_with_an_invalid_value_in_a_sentence(deployment):
    nonsense = {"DEBUG": "perhaps", "SECURE_HSTS_SECONDS": "long"}
    printed = output_of_failed("release", deployment, deployment.environment | nonsense)
    found = [line.partition(":")[0] for line in printed.splitlines()[1:]]
    assert found == sorted(nonsense)


@for_one
def test_debug_stops_the_release(deployment):
    found = release_with(deployment, DEBUG="true")
    assert "You should not have DEBUG set to True in deployment." in found


@for_combinations(EACH_PLATFORM)
def test_a_warning_of_the_deploy_checks_stops_the_release(deployment, tmp_path):
    [warning] = release_after(deployment, tmp_path, ["SECURE_CONTENT_TYPE_NOSNIFF = False"])
    assert "SECURE_CONTENT_TYPE_NOSNIFF" in warning  # security.W006


# Edits of config/settings.py that someone may make in good faith, and the settings that the release
# then names.
INSECURE_EDITS = {
    "SECURE_SSL_REDIRECT = False": "SECURE_SSL_REDIRECT",
    "CSRF_COOKIE_SECURE = False": "CSRF_COOKIE_SECURE",
    'CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}\n'
    'SESSION_ENGINE = "django.contrib.sessions.backends.cache"': "SESSION_ENGINE",
}
INSECURE_WITH_ASGI = {
    'CHANNEL_LAYERS["default"]["BACKEND"] = "channels.layers.InMemoryChannelLayer"': "CHANNEL_LAYERS",
}


@for_combinations(EACH_PLATFORM)
def test_insecure_edits_of_the_settings_stop_the_release_in_a_sentence_each(
    deployment, project, tmp_path
):
    edits = INSECURE_EDITS | (INSECURE_WITH_ASGI if is_asgi(project.answers) else {})
    found = release_after(deployment, tmp_path, list(edits))
    assert len(found) == len(edits)
    assert [name for name in edits.values() if not any(name in error for error in found)] == []


def test_threads_that_the_plan_has_no_room_for_stop_the_release(deployment, project):
    # Under Gunicorn threads share connections.
    pooled = project.answers["server"] == "wsgi-gunicorn"
    name, value = ("DATABASE_POOL_SIZE", "11") if pooled else ("WEB_THREADS", "21")
    [error] = release_with(deployment, **{name: value})
    assert re.fullmatch(r"WEB_PROCESSES x .+ = \d\d connections, more than .+ \(20\)\.", error)
    assert name in error


@for_combinations(SEVERAL)
def test_more_processes_than_the_plan_has_room_for_stop_the_web_process(deployment):
    too_many = deployment.environment | {"WEB_CONCURRENCY": "6"}
    printed = output_of_failed("web", deployment, too_many)
    assert "= 24 connections, more than DATABASE_CONNECTION_LIMIT (20)." in printed


IMPORT = "from django import NoServer"


def test_a_server_that_cannot_be_imported_stops_the_release_in_one_sentence(deployment, project):
    name = "config/asgi.py" if is_asgi(project.answers) else "config/wsgi.py"
    path = deployment.platform.folder / name
    source = path.read_text()
    path.write_text(f"{source}\n{IMPORT}\n")
    try:
        [error] = release_with(deployment)
    finally:
        path.write_text(source)
    assert re.match("The server cannot start: ImportError: .*'NoServer'", error)
