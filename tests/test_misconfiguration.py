"""What is missing in production stops the release in a sentence, and the web process as well."""

import re

import pytest
from rehearsal.processes import CommandFailed, run
from rehearsal.services import free_port

VARIABLES = {
    "SECRET_KEY": "SECRET_KEY is not set.",
    "ALLOWED_HOSTS": "ALLOWED_HOSTS is not set.",
    "DATABASE_URL": "DATABASE_URL is not set.",
    "REDIS_URL": "REDIS_URL is not set.",
}


def without(environment: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in names}


def needed(environment: dict[str, str]) -> list[str]:
    return [name for name in VARIABLES if name in environment]


def start_web(platform, environment) -> str:
    """Start the web process where it must refuse to: what it prints. Fails if it serves."""
    command = f"timeout 20 {platform.command('web')}"
    with pytest.raises(CommandFailed) as failure:
        run(command, platform.folder, environment | {"PORT": str(free_port())})
    assert "exited with 124" not in str(failure.value), "it went on to serve"
    return str(failure.value)


def test_each_missing_variable_stops_the_release_in_one_sentence(deployment):
    platform, environment, _ = deployment
    for name in needed(environment):
        with pytest.raises(CommandFailed) as failure:
            run(platform.command("release"), platform.folder, without(environment, name))
        printed = str(failure.value)
        assert printed.count(VARIABLES[name]) == 1
        assert len(re.findall(r"is not set\.", printed)) == 1
        assert "Traceback" not in printed
        assert "Applying" not in printed


def test_the_web_process_serves_nothing_with_everything_missing(deployment):
    platform, environment, _ = deployment
    names = needed(environment)
    printed = start_web(platform, without(environment, *names))
    for name in names:
        assert VARIABLES[name] in printed


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"DATABASE_URL": "sqlite:///db.sqlite3"}, "DATABASE_URL must name a PostgreSQL database."),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must name the hosts instead of '*'."),
        ({"SECRET_KEY": "SECRET_KEY_GOES_HERE"}, "SECRET_KEY is too easy to guess"),
        ({"DATABASE_URL": "postgres//host/name"}, "DATABASE_URL: Not a valid database URL."),
        ({"DEBUG": "perhaps"}, "DEBUG: Not a valid boolean."),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL: Not a valid log level."),
    ],
)
def test_the_web_process_refuses_what_is_unfit_for_production(deployment, changes, sentence):
    platform, environment, _ = deployment
    assert sentence in start_web(platform, environment | changes)


def test_the_release_refuses_what_it_does_not_understand_in_a_sentence_each(deployment):
    platform, environment, _ = deployment
    nonsense = {"DEBUG": "perhaps", "SECURE_HSTS_SECONDS": "long"}
    with pytest.raises(CommandFailed) as failure:
        run(platform.command("release"), platform.folder, environment | nonsense)
    lines = str(failure.value).splitlines()[1:]
    assert [line.partition(":")[0] for line in lines] == sorted(nonsense)
