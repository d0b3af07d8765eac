"""The configuration that production needs, and what happens without it."""

from threading import Event
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from config import health, router
from config.checks import check_environment, refuse_misconfiguration

GOOD: dict[str, Any] = {
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFG",
    "ALLOWED_HOSTS": ["www.example.com"],
    "REDIS_URL": "rediss://:password@localhost:6379",
    "CHANNEL_LAYERS": {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer"}},
    "SECURE_SSL_REDIRECT": True,
    "SECURE_HSTS_SECONDS": 3600,
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
    # <% if cookiecutter.use_s3_media %>
    "BUCKET": {
        "access_key": "AKIAIOSFODNN7EXAMPLE",
        "secret_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "bucket_name": "uploads",
        "region_name": "us-east-1",
    },
    # <% endif %>
}
POSTGRESQL = "django.db.backends.postgresql"


@pytest.fixture
def configure(settings, monkeypatch):
    def set_all(
        engine: str = POSTGRESQL, conn_max_age: int = 0, sslmode: str | None = "require", **changes
    ) -> None:
        database = {"ENGINE": engine, "CONN_MAX_AGE": conn_max_age, "HOST": "db.example.com"}
        database["OPTIONS"] = {"sslmode": sslmode} if sslmode else {}
        for name, value in database.items():
            monkeypatch.setitem(settings.DATABASES["default"], name, value)
        for name, value in (GOOD | changes).items():
            setattr(settings, name, value)

    return set_all


def test_a_good_configuration_goes_live(configure):
    configure(ALLOWED_HOSTS=["www.example.com", ".example.com", "[::1]"])
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
        ({"ALLOWED_HOSTS": [".com"]}, "ALLOWED_HOSTS holds '.com', which is no host name."),
        (
            {"SECRET_KEY": "$(python3 -c 'import secrets; print(secrets.token_urlsafe(50))')"},
            "SECRET_KEY is too easy to guess: use 50 random characters.",
        ),
        ({"engine": "django.db.backends.dummy"}, "DATABASE_URL is not set."),
        (
            {"engine": "django.db.backends.sqlite3"},
            "DATABASE_URL must name a PostgreSQL database.",
        ),
        ({"sslmode": "disable"}, "sslmode of DATABASE_URL must be 'require', not 'disable'."),
        ({"sslmode": None}, "sslmode of DATABASE_URL must be 'require', not 'prefer'."),
        ({"DEBUG": True}, "DEBUG must be off: its error pages show code and settings to anyone."),
        (
            {"SESSION_COOKIE_SECURE": False, "SECURE_SSL_REDIRECT": False},
            "SECURE_SSL_REDIRECT, SESSION_COOKIE_SECURE must be on, or passwords travel in the clear.",
        ),
        (
            {"SESSION_ENGINE": "django.contrib.sessions.backends.cache"},
            "SESSION_ENGINE needs a cache in CACHES that all processes share.",
        ),
        # <% if cookiecutter.__redis == "yes" %>
        ({"REDIS_URL": ""}, "REDIS_URL is not set."),
        ({"REDIS_URL": "localhost"}, "REDIS_URL must have the form rediss://:password@host:port."),
        # <% endif %>
        # <% if cookiecutter.__interface == "asgi" %>
        (
            {"CHANNEL_LAYERS": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}},
            "CHANNEL_LAYERS must name a layer that all processes share.",
        ),
        (
            {"conn_max_age": None},
            "CONN_MAX_AGE must be 0: under ASGI, connections that stay are lost.",
        ),
        (
            {"DB_POOL_SIZE": 7, "WEB_CONCURRENCY": 3},
            "DB_POOL_SIZE is 7 in 3 processes: over DATABASE_CONNECTION_LIMIT, 20.",
        ),
        # <% endif %>
    ],
)
def test_a_bad_configuration_is_refused_in_a_sentence(
    configure, capsys, monkeypatch, changes, sentence
):
    configure(**changes)
    monkeypatch.setenv("PORT", "8000")
    assert [problem.msg for problem in check_environment()] == [sentence]
    with pytest.raises(SystemExit):
        refuse_misconfiguration()
    assert capsys.readouterr().err.startswith(sentence)


def test_development_needs_no_configuration(settings):
    settings.DEBUG = True
    settings.SECRET_KEY = ""
    refuse_misconfiguration()


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


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.66, 203.0.113.7", "203.0.113.7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("203.0.113.7, nonsense", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_the_client_s_address_is_the_one_that_the_router_saw(client, told, address):
    response = client.get("/favicon.ico", headers={router.ADDRESS: told})
    assert response.wsgi_request.META["REMOTE_ADDR"] == address


def test_development_believes_no_router(client, settings):
    settings.DEBUG = True
    response = client.get("/favicon.ico", headers={router.ADDRESS: "203.0.113.7"})
    assert response.wsgi_request.META["REMOTE_ADDR"] == "127.0.0.1"


def test_probes_that_come_at_once_share_one_answer(monkeypatch):
    answer_now = Event()
    monkeypatch.setitem(health.PROBES, "database", answer_now.wait)
    under_way = health.ask("database")
    assert health.ask("database") is under_way
    answer_now.set()
    under_way.result()
    assert health.ask("database") is not under_way
