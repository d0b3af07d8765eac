"""Deploy checks, health checks, and the platform's header with the client's IP address."""

import time
from threading import Event
from types import ModuleType

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.urls import path
from django.views.generic import RedirectView

import paas.platforms.none
from paas.accounts.admin_site import AdminSite
from paas.checks import check_variables, problems
from paas.checks.production import check_admin_path
from paas.db.budget import connections_per_process
from paas.platforms import proxy_headers
from paas.site import health
from paas.startup import exit_if_misconfigured, is_on_platform

PER_PROCESS = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
NO_CACHE = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}


@pytest.mark.parametrize("engine", ["django.db.backends.postgresql", "example.wrapped_postgresql"])
def test_a_valid_configuration_has_no_deploy_error(configure, engine):
    configure(engine, ALLOWED_HOSTS=["www.example.com", ".example.com", "[::1]"])
    assert problems() == []
    exit_if_misconfigured()


NO_KEY = "SECRET_KEY must be random characters, without a space."
NO_HOST = "ALLOWED_HOSTS contains {!r}, which is not a host name."
NO_TLS = "DATABASE_URL must set sslmode=require, or verify-full."
NO_REDIS = "REDIS_URL must have the form rediss://:password@host:port."
NO_LAYER = "CHANNEL_LAYERS must name a layer that all processes share."
NO_SESSIONS = "SESSION_ENGINE needs a cache in CACHES that all processes share."
IN_MEMORY = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
ENGINES = "django.contrib.sessions.backends"
IN_CACHE = {"SESSION_ENGINE": f"{ENGINES}.cache"}
NO_FILES = "must not use files: the platform deletes them at each restart."
NO_END = "must store sessions: one in a cookie outlives its logout, and opens no WebSocket."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"SECRET_KEY": 10 * "a secret "}, NO_KEY),
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set."),
        ({"ALLOWED_HOSTS": []}, "ALLOWED_HOSTS is not set."),
        *(
            ({"ALLOWED_HOSTS": [each]}, NO_HOST.format(each))
            for each in ("*", "https://a.b", ".com")
        ),
        ({"engine": "django.db.backends.dummy"}, "DATABASE_URL is not set."),
        ({"engine": "django.db.backends.sqlite3"}, "DATABASE_URL must name a PostgreSQL database."),
        *(({"sslmode": mode}, NO_TLS) for mode in ("disable", "allow", None)),
        ({"engine": "example.wrapped_postgresql", "sslmode": None}, NO_TLS),
        ({"name": ""}, "DATABASE_URL must end with the database's name."),
        (
            {"pool": True},
            "DATABASES['default'] has the option \"pool\": set its CONN_MAX_AGE to 0.",
        ),
        ({"REDIS_URL": ""}, "REDIS_URL is not set."),
        ({"REDIS_URL": "localhost"}, NO_REDIS),
        ({"CHANNEL_LAYERS": IN_MEMORY}, NO_LAYER),
        *((IN_CACHE | {"CACHES": caches}, NO_SESSIONS) for caches in (PER_PROCESS, NO_CACHE)),
        (IN_CACHE | {"SESSION_CACHE_ALIAS": "nowhere"}, NO_SESSIONS),
        ({"SESSION_ENGINE": f"{ENGINES}.file"}, f"SESSION_ENGINE {NO_FILES}"),
        ({"SESSION_ENGINE": f"{ENGINES}.signed_cookies"}, f"SESSION_ENGINE {NO_END}"),
    ],
)
def test_an_invalid_setting_is_one_deploy_error(only_problem, changes, message):
    assert only_problem(**changes) == message


@pytest.mark.parametrize(
    ("app", "is_needed"), [("paas.asgi", True), ("paas.celery", True), ("paas.accounts", False)]
)
def test_redis_is_required_by_the_apps_that_use_it(configure, monkeypatch, app, is_needed):
    configure(REDIS_URL="")
    monkeypatch.setattr(apps, "is_installed", lambda name: name == app)
    assert [error.msg for error in problems()] == ["REDIS_URL is not set."] * is_needed


@pytest.mark.parametrize(
    ("database", "message"),
    [
        ({}, "DATABASES['reports'] has no URL: set its environment variable."),
        (
            {"ENGINE": "django.db.backends.postgresql", "HOST": "reports.example.com"},
            "The URL of DATABASES['reports'] must set sslmode=require, or verify-full.",
        ),
    ],
)
def test_another_database_without_its_variable_or_tls_is_a_deploy_error(
    only_problem, settings, monkeypatch, database, message
):
    monkeypatch.setitem(settings.DATABASES, "reports", database)
    assert only_problem() == message


@pytest.mark.parametrize(
    ("changes", "check", "hint"),
    [
        ({"SECRET_KEY": 30 * "ab"}, "security.W009", "heroku config:set SECRET_KEY="),
        ({"DEBUG": True}, "security.W018", "heroku config:unset DEBUG"),
        ({"SECURE_SSL_REDIRECT": False}, "security.W008", None),
        ({"SECURE_HSTS_SECONDS": 0}, "security.W004", None),
        ({"SESSION_COOKIE_SECURE": False}, "security.W012", None),
        ({"CSRF_COOKIE_SECURE": False}, "security.W016", None),
    ],
)
def test_django_s_own_checks_keep_a_process_from_starting(
    configure, monkeypatch, changes, check, hint
):
    configure(**changes)
    monkeypatch.setenv("DYNO", "web.1")
    [found] = problems()
    assert found.id == check
    if hint:
        assert hint in str(found.hint)
        assert [info.hint for info in check_variables()] == [found.hint]
    with pytest.raises(SystemExit):
        exit_if_misconfigured()


def test_a_silenced_check_keeps_no_process_from_starting(configure, monkeypatch, settings):
    settings.SILENCED_SYSTEM_CHECKS = [*settings.SILENCED_SYSTEM_CHECKS, "paas.E011"]
    configure(sslmode=None)
    monkeypatch.setenv("PORT", "8000")
    assert problems() == []
    exit_if_misconfigured()


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({}, "paas.platforms.proxy_headers.ClientAddressMiddleware"),
        ({"PERMISSIONS_POLICY": {"camera": "self"}}, "paas.site.headers.SecurityHeadersMiddleware"),
        ({"CSP_BY_PATH": {"api/": {}}}, "paas.site.headers.SecurityHeadersMiddleware"),
        ({}, "django.middleware.csp.ContentSecurityPolicyMiddleware"),
    ],
)
def test_a_setting_without_its_middleware_is_an_error(only_problem, settings, changes, path):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if each != path]
    assert f"has no effect: add {path!r} to MIDDLEWARE" in only_problem(**changes)


class OwnMiddleware(proxy_headers.ClientAddressMiddleware):
    """A project's."""


def test_a_subclass_of_the_middleware_will_do(configure, settings):
    settings.MIDDLEWARE = [
        f"{__name__}.OwnMiddleware",
        *settings.MIDDLEWARE[:3],
        *settings.MIDDLEWARE[4:],
    ]
    configure()
    assert problems() == []


class Theme(admin.AdminSite):
    """As of a package for the admin."""


class OwnSite(AdminSite, Theme):
    """The theme with the second factor."""


@pytest.mark.parametrize(("site", "count"), [(Theme, 1), (OwnSite, 0)])
def test_staff_need_their_second_factor_at_every_admin_site(configure, settings, site, count):
    settings.STAFF_NEEDS_SECOND_FACTOR = True
    other, unused = site("back_office"), Theme("unused")
    urlpatterns = [path("admin/", admin.site.urls), path("other/", other.urls)]
    configure(ROOT_URLCONF=(routes := ModuleType("routes")))
    vars(routes)["urlpatterns"] = urlpatterns
    found = [error.msg for error in problems()]
    assert len(found) == count, (found, unused)
    assert all("no effect on the admin site 'back_office'" in each for each in found)


def test_the_admin_s_path_must_be_its_own(settings):
    settings.ROOT_URLCONF = __name__
    assert [error.msg for error in check_admin_path()] == [
        "ADMIN_PATH: another view has the path /accounts/."
    ]


urlpatterns = [path("accounts/", RedirectView.as_view()), path("accounts/", admin.site.urls)]


def test_more_threads_than_database_connections_are_a_problem(configure, only_problem, settings):
    settings.WEB_THREADS = 7
    # One for /readyz; three for async views, and one for WebSockets.
    assert connections_per_process() == 7 + 1 + 4 * settings.IS_ASGI
    connections = 2 * connections_per_process()
    plan = {"WEB_PROCESSES": 2, "DATABASE_CONNECTION_LIMIT": connections}
    configure(**plan)
    assert problems() == []
    message = only_problem(**plan | {"DATABASE_CONNECTION_LIMIT": connections - 1})
    assert f"= {connections} connections, more than DATABASE_CONNECTION_LIMIT (" in message
    configure(**plan | {"DATABASE_CONNECTION_LIMIT": 1, "DATABASE_IS_POOLED": True})
    assert problems() == []


def test_a_database_on_the_same_machine_needs_no_encryption(configure, settings):
    configure(sslmode="disable")
    settings.DATABASES["default"]["HOST"] = "localhost"
    assert problems() == []


def test_a_preview_needs_no_configuration_but_is_rejected_on_a_platform(
    settings, monkeypatch, capsys
):
    settings.DEBUG, settings.IS_PREVIEW, settings.SECRET_KEY = False, True, ""
    exit_if_misconfigured()
    monkeypatch.setenv("DYNO", "web.1")
    with pytest.raises(SystemExit):
        exit_if_misconfigured()
    assert "SECRET_KEY" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("platform", "variables", "env_file", "is_on"),
    [
        ("heroku", {"DYNO": "release.1"}, ".env", True),
        ("heroku", {"PORT": "5006"}, ".env", False),  # heroku local
        ("heroku", {"PORT": "5006"}, "", False),  # tests in a cloud IDE
        ("digitalocean", {"PORT": "8080"}, "", True),
        ("digitalocean", {"PORT": "8080"}, ".env", False),
        ("digitalocean", {"PORT": "8080", "ENV_FILE": "dev.env"}, "dev.env", False),
        ("none", {}, "", False),
    ],
)
def test_a_platform_is_known_by_its_variable_or_by_port_without_an_env_file(
    settings, monkeypatch, tmp_path, platform, variables, env_file, is_on
):
    settings.PLATFORM, settings.BASE_DIR = f"paas.platforms.{platform}", tmp_path
    if env_file:
        (tmp_path / env_file).touch()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert is_on_platform() is is_on


@pytest.fixture
def pending_migrations(transactional_db):
    """No flush brings the records back: the fixture does."""
    records = MigrationRecorder(connection).migration_qs
    applied = [*records.filter(app="auth")]
    records.filter(app="auth").delete()
    yield
    records.bulk_create(applied)


def test_readyz_is_503_while_migrations_are_pending(client, pending_migrations):
    response = client.get("/readyz")
    assert (response.status_code, response.json()["database"]) == (503, "migrations are pending")


def test_readyz_shows_no_text_of_an_error(client, monkeypatch):
    """An error of PostgreSQL names its host and the user."""

    def fail():
        raise ConnectionError("no password for ada@db.example.com")

    monkeypatch.setattr(health, "probe_database", fail)
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"database": "unreachable"})


def test_a_probe_keeps_no_connection(db, monkeypatch):
    """One that PostgreSQL has ended would fail each later probe."""
    closed: list[bool] = []
    monkeypatch.setattr(connection, "close", lambda: closed.append(True))
    assert health.probe_database() == "ok"
    assert closed


def test_a_misspelled_probe_fails_at_the_start(settings):
    settings.READINESS_PROBES = {"database": "paas.site.health.probe_datbase"}
    with pytest.raises(ImportError):
        apps.get_app_config("paas").ready()


def hang() -> str:
    LET_GO.wait(10)
    return "ok"


LET_GO = Event()


def test_a_probe_that_hangs_delays_readyz_by_its_timeout_only(client, monkeypatch, settings):
    monkeypatch.setattr(health, "probe_database", lambda: "ok")
    probes = {"stuck": f"{__name__}.hang", "database": "paas.site.health.probe_database"}
    settings.READINESS_PROBES = probes
    began = time.monotonic()
    response = client.get("/readyz")
    assert time.monotonic() - began < health.PROBE_TIMEOUT + 4  # the machine may be busy
    assert health.PROBE_TIMEOUT < 1  # App Platform waits for a second
    LET_GO.set()
    assert response.json() == {"stuck": "no answer in time", "database": "ok"}
    assert int(response.headers["Content-Length"]) == len(response.content)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.7", "203.0.113.7"),
        (0, "198.51.100.66, 203.0.113.7", "203.0.113.7"),
        (0, "2001:DB8:0::7", "2001:db8::7"),
        (0, "203.0.113.7, nonsense", "127.0.0.1"),
        (0, "", "127.0.0.1"),
        (1, "198.51.100.66, 192.0.2.1, 203.0.113.7", "192.0.2.1"),
        (2, "198.51.100.66, 192.0.2.1, 203.0.113.9, 203.0.113.7", "192.0.2.1"),
        (2, "198.51.100.66, nonsense, 203.0.113.7", "203.0.113.7"),
        (1, "2001:db8::1%any-text, 203.0.113.7", "203.0.113.7"),
    ],
)
def test_the_client_s_ip_is_the_one_that_the_router_or_a_trusted_proxy_added(
    client, settings, proxies, forwarded, address
):
    settings.TRUSTED_PROXIES = proxies
    response = client.get("/favicon.ico", headers={"x-forwarded-for": forwarded})
    assert response.wsgi_request.META["REMOTE_ADDR"] == address


def test_without_a_platform_no_header_is_trusted(client, monkeypatch):
    monkeypatch.setattr(proxy_headers, "platform", paas.platforms.none)
    headers = {"x-forwarded-for": "198.51.100.66", "x-request-start": "1000000000000"}
    request = client.get("/favicon.ico", headers=headers).wsgi_request
    assert (request.META["REMOTE_ADDR"], request.queue_milliseconds) == ("127.0.0.1", None)


@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [("9" * 5000, None), ("99", None), ("nonsense", None), ("9000000000000", 0)],
)
def test_an_invalid_time_of_the_router_s_is_ignored_and_a_later_one_is_now(value, milliseconds):
    assert proxy_headers.queue_milliseconds({"x-request-start": value}) == milliseconds
