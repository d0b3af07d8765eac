"""Deploy checks, health checks, and the platform's header with the client's IP address."""

from threading import Event

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from paas import health, proxy_headers
from paas.checks import EXTRA_CONNECTIONS, check_environment
from paas.startup import refuse_misconfiguration
from paas.tests.production import VALID_SETTINGS

TOO_EASY = "SECRET_KEY is too easy to guess: use 50 random characters."
HTTPS = [
    *["SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS"],
    *["SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"],
]


def test_a_valid_configuration_has_no_deploy_error(configure):
    configure(ALLOWED_HOSTS=["www.example.com", ".example.com", "[::1]"])
    assert check_environment() == []
    refuse_misconfiguration()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set."),
        ({"SECRET_KEY": VALID_SETTINGS["SECRET_KEY"][:49]}, TOO_EASY),
        ({"SECRET_KEY": 10 * "secret"}, TOO_EASY),
        ({"SECRET_KEY": f"django-insecure-{VALID_SETTINGS['SECRET_KEY']}"}, TOO_EASY),
        ({"SECRET_KEY": f"$(python3 -c '{VALID_SETTINGS['SECRET_KEY']}')"}, TOO_EASY),
        ({"ALLOWED_HOSTS": []}, "ALLOWED_HOSTS is not set."),
        ({"ALLOWED_HOSTS": ["*"]}, "ALLOWED_HOSTS must name the hosts instead of '*'."),
        (
            {"ALLOWED_HOSTS": ["https://www.example.com"]},
            "ALLOWED_HOSTS contains 'https://www.example.com', which is not a host name.",
        ),
        ({"ALLOWED_HOSTS": [".com"]}, "ALLOWED_HOSTS contains '.com', which is not a host name."),
        ({"engine": "django.db.backends.dummy"}, "DATABASE_URL is not set."),
        (
            {"engine": "django.db.backends.sqlite3"},
            "DATABASE_URL must name a PostgreSQL database.",
        ),
        ({"sslmode": "disable"}, "sslmode of DATABASE_URL must be 'require', not 'disable'."),
        ({"sslmode": None}, "sslmode of DATABASE_URL must be 'require', not 'prefer'."),
        ({"DEBUG": True}, "DEBUG must be off: its error pages show code and settings to anyone."),
        (
            dict.fromkeys(HTTPS, False),
            f"{', '.join(HTTPS)} must be on: without them passwords are sent unencrypted.",
        ),
        (
            {"SESSION_ENGINE": "django.contrib.sessions.backends.cache"},
            "SESSION_ENGINE needs a cache in CACHES that all processes share.",
        ),
    ],
)
def test_an_invalid_setting_is_one_deploy_error(only_deploy_error, changes, message):
    assert only_deploy_error(**changes) == message


def test_more_threads_than_database_connections_are_a_deploy_error(configure, only_deploy_error):
    connections = 2 * (7 + len(EXTRA_CONNECTIONS))
    plan = {"WEB_THREADS": 7, "WEB_PROCESSES": 2, "DATABASE_CONNECTION_LIMIT": connections}
    configure(**plan)
    assert check_environment() == []
    message = only_deploy_error(**plan | {"DATABASE_CONNECTION_LIMIT": connections - 1})
    assert f"in 2 processes, which open up to {connections} connections: more than" in message


def test_development_needs_no_configuration(settings):
    settings.DEBUG = True
    settings.SECRET_KEY = ""
    refuse_misconfiguration()


def test_a_preview_needs_no_configuration_but_is_refused_on_a_platform(
    settings, monkeypatch, capsys
):
    settings.DEBUG, settings.IS_PREVIEW, settings.SECRET_KEY = False, True, ""
    refuse_misconfiguration()
    monkeypatch.setenv("PORT", "8000")
    with pytest.raises(SystemExit):
        refuse_misconfiguration()
    assert "SECRET_KEY is not set." in capsys.readouterr().err


def test_healthz_answers_with_any_host(client):
    response = client.get("/healthz", headers={"host": "10.0.0.1"})
    assert (response.status_code, response.text) == (200, "ok")


@pytest.mark.django_db(transaction=True)
def test_readyz_is_200_if_every_probe_is_ok(client):
    response = client.get("/readyz", headers={"host": "10.0.0.1"})
    assert (response.status_code, response.json()["database"]) == (200, "ok")


@pytest.mark.django_db(transaction=True)
def test_readyz_is_503_while_migrations_are_pending(client):
    MigrationRecorder(connection).migration_qs.filter(app="auth").delete()
    response = client.get("/readyz")
    assert (response.status_code, response.json()["database"]) == (503, "migrations are pending")


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.66, 203.0.113.7", "203.0.113.7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("203.0.113.7, nonsense", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_the_client_s_ip_is_the_last_in_the_router_s_header(client, value, address):
    response = client.get("/favicon.ico", headers={proxy_headers.platform.CLIENT_IP_HEADER: value})
    assert response.wsgi_request.META["REMOTE_ADDR"] == address


@pytest.mark.parametrize(
    ("proxies", "before", "address"),
    [
        ("1", "192.0.2.1", "192.0.2.1"),
        ("1", "198.51.100.66, 192.0.2.1", "192.0.2.1"),
        ("2", "198.51.100.66, 192.0.2.1, 203.0.113.9", "192.0.2.1"),
        ("1", "nonsense", "203.0.113.7"),
        ("1", "2001:db8::1%any-text", "203.0.113.7"),
        ("203.0.113.0/24", "192.0.2.1", "192.0.2.1"),
        ("203.0.113.0/24", "198.51.100.66, 192.0.2.1, 203.0.113.9", "192.0.2.1"),
        ("203.0.113.0/24,2001:db8::/32", "203.0.113.9", "203.0.113.9"),
        # The client itself calls the platform, and lies.
        ("198.51.100.0/24", "192.0.2.1", "203.0.113.7"),
        ("", "192.0.2.1", "203.0.113.7"),
    ],
)
def test_the_client_s_ip_behind_proxies_of_one_s_own(client, settings, proxies, before, address):
    settings.TRUSTED_PROXIES = proxies
    forwarded = {"x-forwarded-for": f"{before}, 203.0.113.7"}
    router = {proxy_headers.platform.CLIENT_IP_HEADER: "203.0.113.7"}
    response = client.get("/favicon.ico", headers=router | forwarded)
    assert response.wsgi_request.META["REMOTE_ADDR"] == address


def test_development_ignores_the_router_s_header(client, settings):
    settings.DEBUG = True
    response = client.get(
        "/favicon.ico", headers={proxy_headers.platform.CLIENT_IP_HEADER: "203.0.113.7"}
    )
    assert response.wsgi_request.META["REMOTE_ADDR"] == "127.0.0.1"


def test_concurrent_health_checks_share_one_probe(monkeypatch):
    finish = Event()
    monkeypatch.setattr(health, "probe_database", finish.wait)
    first, second = health.run_probe("database"), health.run_probe("database")
    finish.set()
    first.result()
    assert second is first
    assert health.run_probe("database") is not first
