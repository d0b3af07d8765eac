"""The configuration that production needs, and what happens without it."""

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from config.checks import check_environment, refuse_misconfiguration

GOOD = {
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFG",
    "ALLOWED_HOSTS": ["www.example.com"],
    "REDIS_URL": "rediss://:password@localhost:6379",
}
POSTGRESQL = "django.db.backends.postgresql"


@pytest.fixture
def configure(settings, monkeypatch):
    def set_all(engine: str = POSTGRESQL, **changes) -> None:
        monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", engine)
        for name, value in (GOOD | changes).items():
            setattr(settings, name, value)

    return set_all


def test_a_good_configuration_goes_live(configure):
    configure()
    assert check_environment() == []
    refuse_misconfiguration()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set."),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too easy to guess: use 50 random characters."),
        ({"ALLOWED_HOSTS": []}, "ALLOWED_HOSTS is not set."),
        ({"ALLOWED_HOSTS": ["*"]}, "ALLOWED_HOSTS must name the hosts instead of '*'."),
        (
            {"ALLOWED_HOSTS": ["https://www.example.com"]},
            "ALLOWED_HOSTS holds 'https://www.example.com', which is no host name.",
        ),
        (
            {"SECRET_KEY": "$(python3 -c 'import secrets; print(secrets.token_urlsafe(50))')"},
            "SECRET_KEY is too easy to guess: use 50 random characters.",
        ),
        ({"engine": "django.db.backends.dummy"}, "DATABASE_URL is not set."),
        (
            {"engine": "django.db.backends.sqlite3"},
            "DATABASE_URL must name a PostgreSQL database.",
        ),
        # <% if cookiecutter.__interface == "asgi" %>
        ({"REDIS_URL": ""}, "REDIS_URL is not set."),
        ({"REDIS_URL": "localhost"}, "REDIS_URL must have the form rediss://:password@host:port."),
        # <% endif %>
    ],
)
def test_a_bad_configuration_is_refused_in_a_sentence(configure, capsys, changes, sentence):
    configure(**changes)
    assert [problem.msg for problem in check_environment()] == [sentence]
    with pytest.raises(SystemExit):
        refuse_misconfiguration()
    assert capsys.readouterr().err.startswith(sentence)


def test_the_process_is_alive(client):
    response = client.get("/healthz", headers={"host": "10.0.0.1"})
    assert (response.status_code, response.text) == (200, "ok")


@pytest.mark.django_db(transaction=True)
def test_a_site_with_everything_is_ready(client):
    response = client.get("/readyz", headers={"host": "10.0.0.1"})
    assert (response.status_code, response.json()["database"]) == (200, "ok")


@pytest.mark.django_db(transaction=True)
def test_pending_migrations_are_not_ready(client):
    MigrationRecorder(connection).migration_qs.filter(app="users").delete()
    response = client.get("/readyz")
    assert (response.status_code, response.json()["database"]) == (503, "migrations are pending")
