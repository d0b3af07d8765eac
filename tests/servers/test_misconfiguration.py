"""What is missing in production stops the release in a sentence, and the web process as well."""

import re

import pytest

from rehearsal.combinations import EACH_SERVER, SERVERS, by_name, for_combinations, is_asgi
from rehearsal.processes import CommandFailed
from rehearsal.services import free_port

VARIABLES = {
    "SECRET_KEY": "SECRET_KEY is not set.",
    "ALLOWED_HOSTS": "ALLOWED_HOSTS is not set.",
    "DATABASE_URL": "DATABASE_URL is not set.",
    "REDIS_URL": "REDIS_URL is not set.",
    "AWS_ACCESS_KEY_ID": "AWS_ACCESS_KEY_ID is not set.",
    "AWS_SECRET_ACCESS_KEY": "AWS_SECRET_ACCESS_KEY is not set.",
    "AWS_STORAGE_BUCKET_NAME": "AWS_STORAGE_BUCKET_NAME is not set.",
    "AWS_S3_REGION_NAME": "AWS_S3_REGION_NAME is not set.",
}


def without(environment: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in names}


def needed(environment: dict[str, str]) -> list[str]:
    return [name for name in VARIABLES if name in environment]


def start_web(deployment, environment) -> str:
    """Start the web process where it must refuse to: what it prints. Fails if it serves."""
    command = f"timeout 20 {deployment.platform.command('web')}"
    with pytest.raises(CommandFailed) as failure:
        deployment.run(command, environment | {"PORT": str(free_port())})
    # By this status Gunicorn knows not to try again; 124 would be one that went on to serve.
    assert "exited with 3:" in str(failure.value)
    assert "Traceback" not in str(failure.value)
    return str(failure.value)


def release(deployment, environment) -> str:
    """Run the release step where it must refuse to: what it prints. Fails if it succeeds."""
    with pytest.raises(CommandFailed) as failure:
        deployment.run(deployment.platform.command("release"), environment)
    assert "migrations:" not in str(failure.value), "it went on to migrate"
    return str(failure.value)


# With both options, or without Redis.
VARIED = by_name(
    "heroku-asgi-daphne-use_celery-use_s3_media",
    "digitalocean-asgi-daphne-use_celery-use_s3_media",
    "digitalocean-wsgi-waitress",
)


@for_combinations(VARIED)
def test_each_missing_variable_stops_the_release_in_one_sentence(deployment):
    for name in needed(deployment.environment):
        printed = release(deployment, without(deployment.environment, name))
        assert printed.count(VARIABLES[name]) == 1
        assert len(re.findall(r"is not set\.", printed)) == 1
        assert "Traceback" not in printed


def test_the_web_process_serves_nothing_with_everything_missing(deployment):
    names = needed(deployment.environment)
    printed = start_web(deployment, without(deployment.environment, *names))
    for name in names:
        assert VARIABLES[name] in printed


# What a variable may wrongly be, and what is said of it: all of a set at once, a sentence each.
MALFORMED = {
    "DATABASE_URL": ("postgres//host/name", "DATABASE_URL: Not a valid database URL."),
    "DEBUG": ("perhaps", "DEBUG: Not a valid boolean."),
    "LOG_LEVEL": ("LOUD", "LOG_LEVEL: Not a valid log level."),
    "ADMIN_PATH": ("/admin", "ADMIN_PATH: Must be a path that no other URL has"),
    "SECURE_HSTS_SECONDS": ("0", "SECURE_HSTS_SECONDS: Must be greater than or equal to 1."),
}
UNFIT = {
    "DATABASE_URL": ("sqlite:///db.sqlite3", "DATABASE_URL must name a PostgreSQL database."),
    "ALLOWED_HOSTS": ("*", "ALLOWED_HOSTS must name the hosts instead of '*'."),
    "SECRET_KEY": ("SECRET_KEY_GOES_HERE", "SECRET_KEY is too easy to guess"),
    "DEBUG": ("true", "DEBUG must be off"),
}
DEVELOPMENT = {"SECRET_KEY": ("for-development-only", "SECRET_KEY is too easy to guess")}
ADDRESS = {"SENTRY_DSN": ("sentry.example", "SENTRY_DSN: Unsupported scheme ''.")}


@for_combinations(SERVERS)
@pytest.mark.parametrize(
    "problems",
    [MALFORMED, UNFIT, DEVELOPMENT, ADDRESS],
    ids=["malformed", "unfit", "development", "address"],
)
def test_the_web_process_refuses_what_is_unfit_for_production(deployment, problems):
    changes = {name: value for name, (value, _) in problems.items()}
    printed = start_web(deployment, deployment.environment | changes)
    for _, sentence in problems.values():
        assert printed.count(sentence) == 1


def test_the_release_refuses_what_it_does_not_understand_in_a_sentence_each(deployment):
    nonsense = {"DEBUG": "perhaps", "SECURE_HSTS_SECONDS": "long"}
    lines = release(deployment, deployment.environment | nonsense).splitlines()[1:]
    assert [line.partition(":")[0] for line in lines] == sorted(nonsense)


def errors(printed: str) -> list[str]:
    """The sentences of the deploy checks in what a release printed."""
    return re.findall(r"^\?: (?:\(.+?\) )?(.+)$", printed, re.MULTILINE)


def test_debug_stops_the_release_in_one_sentence(deployment):
    printed = release(deployment, deployment.environment | {"DEBUG": "true"})
    assert [said.partition(":")[0] for said in errors(printed)] == ["DEBUG must be off"]


@for_combinations(by_name("heroku-wsgi-waitress", "digitalocean-wsgi-waitress"))
def test_a_warning_of_the_deploy_checks_stops_the_release(deployment, tmp_path):
    settings = 'from config.settings import *\nX_FRAME_OPTIONS = "SAMEORIGIN"\n'
    (tmp_path / "framed_settings.py").write_text(settings)
    framed = {"DJANGO_SETTINGS_MODULE": "framed_settings", "PYTHONPATH": str(tmp_path)}
    assert "security.W019" in release(deployment, deployment.environment | framed)


@for_combinations(SERVERS)
def test_threads_that_the_plan_has_no_room_for_stop_the_release(deployment):
    too_many = deployment.environment | {"WEB_THREADS": "21"}
    [said] = errors(release(deployment, too_many))
    assert said.startswith("WEB_THREADS is 21 in")
    room = too_many | {"DATABASE_CONNECTION_LIMIT": "46"}
    deployment.run(deployment.platform.command("release"), room)


GUNICORN = [answers for answers in EACH_SERVER if answers["server"].endswith("gunicorn")]


@for_combinations(GUNICORN)
def test_more_processes_than_the_plan_has_room_for_stop_the_web_process(deployment):
    printed = start_web(deployment, deployment.environment | {"WEB_CONCURRENCY": "5"})
    assert "in 5 processes, which open up to 25 connections: more than" in printed


# By server: a line at the end of a file that fails, as where a new release renames a class.
BROKEN = {
    "asgi-daphne": {
        "paas/servers/daphne.py": "from daphne import NoServer",
        "config/asgi.py": "from channels import NoServer",
    },
    "asgi-gunicorn": {
        "paas/servers/gunicorn_asgi.py": "from gunicorn import NoServer",
        "gunicorn.conf.py": "worker_class = 'paas.servers.gunicorn_asgi.NoServer'",
    },
    "wsgi-gunicorn": {
        "paas/servers/gunicorn_wsgi.py": "from gunicorn import NoServer",
        "gunicorn.conf.py": "worker_class = 'paas.servers.gunicorn_wsgi.NoServer'",
        "config/wsgi.py": "from django import NoServer",
    },
    "wsgi-waitress": {"paas/servers/waitress.py": "from waitress import NoServer"},
}


@for_combinations(SERVERS)
def test_a_server_that_cannot_be_imported_stops_the_release_in_one_sentence(deployment, project):
    for name, line in BROKEN[project.answers["server"]].items():
        path = deployment.platform.folder / name
        source = path.read_text()
        path.write_text(f"{source}\n{line}\n")
        try:
            [said] = errors(release(deployment, deployment.environment))
        finally:
            path.write_text(source)
        assert re.match("The server cannot start: (Import|Attribute)Error: .*'NoServer'", said)


# Edits of config/settings.py that someone may make in good faith, and what the release says.
CARELESS = {
    "SECURE_SSL_REDIRECT = CSRF_COOKIE_SECURE = False": "SECURE_SSL_REDIRECT, CSRF_COOKIE_SECURE",
    'CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}\n'
    'SESSION_ENGINE = "django.contrib.sessions.backends.cache"': "SESSION_ENGINE",
}
CARELESS_WITH_ASGI = {
    'CHANNEL_LAYERS["default"]["BACKEND"] = "channels.layers.InMemoryChannelLayer"': "CHANNEL_LAYERS",
}


def test_careless_edits_of_the_settings_stop_the_release_in_a_sentence_each(
    deployment, project, tmp_path
):
    edits = CARELESS | (CARELESS_WITH_ASGI if is_asgi(project.answers) else {})
    lines = ["from config.settings import *", *edits]
    (tmp_path / "careless_settings.py").write_text("\n".join(lines))
    careless = {"DJANGO_SETTINGS_MODULE": "careless_settings", "PYTHONPATH": str(tmp_path)}
    said = errors(release(deployment, deployment.environment | careless))
    assert [re.split(" must | needs ", sentence)[0] for sentence in said] == list(edits.values())
