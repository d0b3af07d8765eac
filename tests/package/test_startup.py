"""What manage.py prints when nothing is configured."""

import pytest

from paas.startup import require_configuration


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
