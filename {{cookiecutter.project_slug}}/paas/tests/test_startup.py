"""What manage.py says when nothing is configured, and apps that it makes."""

import subprocess
import sys

import pytest
from django.core.management import call_command

from paas.startup import CONFIGURATION_VARIABLES, require_configuration


@pytest.fixture
def unconfigured(settings, monkeypatch, tmp_path):
    settings.BASE_DIR = tmp_path
    for name in CONFIGURATION_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("command", ["runserver", "migrate", "createsuperuser", "shell"])
def test_without_a_configuration_a_command_says_what_to_do(unconfigured, command, capsys):
    with pytest.raises(SystemExit):
        require_configuration(["manage.py", command])
    assert capsys.readouterr().err.startswith("There is no .env file: type `cp .env.example .env`")


@pytest.mark.parametrize(
    "arguments", [[], ["check"], ["collectstatic"], ["makemigrations"], ["--help"]]
)
def test_commands_of_builds_and_releases_need_no_env_file(unconfigured, arguments):
    require_configuration(["manage.py", *arguments])


def test_a_variable_or_a_file_is_a_configuration(unconfigured, settings, monkeypatch):
    (settings.BASE_DIR / ".env").touch()
    require_configuration(["manage.py", "migrate"])
    (settings.BASE_DIR / ".env").unlink()
    monkeypatch.setenv("DATABASE_URL", "sqlite://")
    require_configuration(["manage.py", "migrate"])


def test_a_new_app_passes_the_linter(settings, tmp_path):
    folder = tmp_path / "blog"
    folder.mkdir()
    call_command("startapp", "blog", str(folder))
    assert (folder / "migrations/__init__.py").exists()
    options = ["--config", str(settings.BASE_DIR / "pyproject.toml"), str(folder)]
    for command in (["check"], ["format", "--check"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, *options], check=True)  # noqa: S603 (ruff)
