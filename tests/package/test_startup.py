"""What manage.py prints when nothing is configured."""

import pytest

from paas.startup import load_settings, require_configuration


@pytest.mark.parametrize(
    ("alias", "engine", "message"),
    [
        ("default", "django.db.backends.mysql", "DATABASE_URL must name a PostgreSQL database. Er"),
        ("default", "nowhere", "DATABASE_URL must name a PostgreSQL database. 'nowhere' isn't"),
        ("reports", "django.db.backends.oracle", "DATABASES['reports']: Error loading oracledb"),
    ],
)
def test_a_backend_that_cannot_be_imported_is_a_sentence(
    settings, monkeypatch, capsys, alias, engine, message
):
    monkeypatch.setitem(settings.DATABASES, alias, {"ENGINE": engine})
    with pytest.raises(SystemExit):
        load_settings()
    assert capsys.readouterr().err.startswith(message)


@pytest.mark.parametrize("command", ["runserver", "migrate", "createsuperuser", "shell"])
def test_without_a_database_a_command_says_what_to_do(settings, monkeypatch, command, capsys):
    monkeypatch.setitem(settings.DATABASES, "default", {})
    with pytest.raises(SystemExit):
        require_configuration(["manage.py", command])
    assert capsys.readouterr().err.startswith("There is no .env file: type `cp .env.example .env`")


@pytest.mark.parametrize(
    "arguments", [[], ["check"], ["collectstatic"], ["makemigrations"], ["--help"]]
)
def test_commands_of_builds_and_releases_need_no_database(settings, monkeypatch, arguments):
    monkeypatch.setitem(settings.DATABASES, "default", {})
    require_configuration(["manage.py", *arguments])
