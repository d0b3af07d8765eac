"""The database from the environment: one, or a connection pool before it."""

import pytest
from environs import Env, EnvValidationError

from paas.db.redis import redis_url
from paas.db.url import database, is_pooled

POOL = "postgres://ada:secret@pool.example.com:6432/site"
DIRECT = "postgres://ada:secret@db.example.com:5432/site"


@pytest.fixture
def read(monkeypatch):
    """A function that returns the database for these variables, of a command or a web process."""

    def read_variables(program: str = "gunicorn", **variables: str):
        for name in ("DATABASE_URL", "DATABASE_DIRECT_URL", "DATABASE_CONNECTION_POOL_URL"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.argv", [f"bin/{program}"])
        assert is_pooled(Env()) == (len(variables) > 1)
        return database(Env(), debug=False)

    return read_variables


def test_without_variables_there_is_no_database(read):
    assert read() == {}


@pytest.mark.parametrize("program", ["gunicorn", "manage.py"])
def test_a_single_database_has_server_side_cursors_in_every_program(read, program):
    found = read(program, DATABASE_URL=DIRECT)
    assert found["HOST"] == "db.example.com"
    assert not found["DISABLE_SERVER_SIDE_CURSORS"]
    assert found["OPTIONS"] == {"connect_timeout": 5, "sslmode": "require"}


LOCAL = "postgres://ada:secret@localhost/site"
SOCKET = "%2Fvar%2Frun%2Fpostgresql"


@pytest.mark.parametrize(
    ("url", "sslmode"),
    [
        *(
            (DIRECT.replace("postgres", scheme), "require")
            for scheme in ("postgresql", "pgsql", "postgis", "timescale", "redshift", "cockroach")
        ),
        *(
            (LOCAL.replace("localhost", host), "prefer")
            for host in ("localhost", "LocalHost", "127.0.0.1", "127.1.2.3", "[::1]", "", SOCKET)
        ),
        *((f"{LOCAL}?{query}", "prefer") for query in ("a=b", "hostaddr=127.0.0.1")),
        *((f"postgres:///site{query}", "prefer") for query in ("", f"?host={SOCKET}")),
        ("postgres:///site?host=db.example.com", "require"),
        ("postgres:///site?service=example", "require"),
        ("postgres://localhost,db.example.com/site", "require"),
        (f"{LOCAL}?hostaddr=192.0.2.1", "require"),
        (f"{LOCAL}?sslmode=verify-full", "verify-full"),
        (LOCAL.replace("localhost", "128.0.0.1"), "require"),
    ],
)
def test_each_engine_of_libpq_has_tls_but_on_the_same_machine(read, url, sslmode):
    assert read(DATABASE_URL=url)["OPTIONS"]["sslmode"] == sslmode


@pytest.mark.parametrize("url", ["sqlite:///x", "sqlite://:memory:", "mysql://h/n", "oracle://h/n"])
def test_other_engines_get_no_option_of_libpq(read, url):
    assert "OPTIONS" not in read(DATABASE_URL=url)


def test_psycopg_s_pool_has_no_persistent_connections(read):
    found = read(DATABASE_URL=f"{DIRECT}?pool=true")
    assert (found["OPTIONS"]["pool"], found["CONN_MAX_AGE"]) == (True, 0)


@pytest.mark.parametrize("character", [*"/?#", "1/", "1#"])
def test_a_password_that_is_not_percent_encoded_is_named(read, character):
    with pytest.raises(EnvValidationError, match=r"percent-encoded in the password: %23 for #\."):
        read(DATABASE_URL=f"postgres://ada:{character}secret@db.example.com/site")


@pytest.mark.parametrize(
    "variables",
    [
        {"DATABASE_URL": POOL, "DATABASE_DIRECT_URL": DIRECT},
        {"DATABASE_CONNECTION_POOL_URL": POOL, "DATABASE_URL": DIRECT},
    ],
)
def test_a_pool_is_for_processes_and_commands_connect_directly(read, variables):
    pooled, direct = read(**variables), read("manage.py", **variables)
    assert (pooled["HOST"], direct["HOST"]) == ("pool.example.com", "db.example.com")
    assert pooled["DISABLE_SERVER_SIDE_CURSORS"]
    assert not direct["DISABLE_SERVER_SIDE_CURSORS"]
    # PgBouncer rejects this one.
    assert "options" not in pooled["OPTIONS"]
    assert direct["OPTIONS"]["options"] == "-c statement_timeout=0"


@pytest.mark.parametrize("program", ["gunicorn", "manage.py"])
def test_another_database_has_tls_a_limit_of_time_and_no_pool(monkeypatch, read, program):
    read(program, DATABASE_URL=POOL, DATABASE_DIRECT_URL=DIRECT)
    assert database(Env(), False, "REPORTS_DATABASE_URL") == {}
    monkeypatch.setenv("REPORTS_DATABASE_URL", DIRECT.replace("/site", "/reports"))
    found = database(Env(), False, "REPORTS_DATABASE_URL")
    assert (found["HOST"], found["NAME"]) == ("db.example.com", "reports")
    assert found["OPTIONS"] == {"connect_timeout": 5, "sslmode": "require"}
    assert (found["CONN_MAX_AGE"], found["CONN_HEALTH_CHECKS"]) == (600, True)
    assert not found["DISABLE_SERVER_SIDE_CURSORS"]


@pytest.mark.parametrize(
    ("url", "platform", "expected"),
    [
        ("rediss://:p@h:1", "heroku", "rediss://:p@h:1?ssl_cert_reqs=none"),
        ("rediss://h:1?a=b", "digitalocean", "rediss://h:1?a=b&ssl_cert_reqs=required"),
        ("redis://h:1", "digitalocean", "redis://h:1"),
    ],
)
def test_redis_over_tls_verifies_the_certificate_as_the_platform_needs(
    monkeypatch, url, platform, expected
):
    monkeypatch.setenv("REDIS_URL", url)
    assert redis_url(Env(), f"paas.platforms.{platform}") == expected
