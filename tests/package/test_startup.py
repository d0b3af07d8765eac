"""What manage.py prints when nothing is configured."""

import pytest
from environs import Env, EnvValidationError

from paas.env import NOT_UTF_8, read_env
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


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_an_env_file_that_is_not_utf_8_is_named(tmp_path, encoding):
    path = tmp_path / ".env"
    path.write_text("DEBUG=true\n" + "NAME=\xe9\n" * (encoding == "latin-1"), encoding)
    with pytest.raises(EnvValidationError, match=r"\.env: Must be in UTF-8") as error:
        read_env(Env(), path)
    assert error.value.error_messages == {".env": [NOT_UTF_8]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_an_env_file_may_have_a_byte_order_mark(tmp_path, encoding):
    (tmp_path / ".env").write_text("SOME_NAME=\xe9", encoding)
    env = Env()
    read_env(env, tmp_path / ".env")
    assert env.str("SOME_NAME") == "\xe9"
    read_env(Env(), tmp_path / "none")
