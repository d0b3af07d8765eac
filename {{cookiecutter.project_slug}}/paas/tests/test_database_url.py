"""DATABASES from the environment: one database, or a connection pool before it."""

import pytest
from environs import Env

from paas.database_url import databases

POOL = "postgres://ada:secret@pool.example.com:6432/site"
DIRECT = "postgres://ada:secret@db.example.com:5432/site"


@pytest.fixture
def read(monkeypatch):
    """A function that returns DATABASES["default"] and DIRECT_DATABASE for these variables."""

    def read_variables(**variables: str):
        for name in ("DATABASE_URL", "DATABASE_DIRECT_URL", "DATABASE_CONNECTION_POOL_URL"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        found, direct = databases(Env(), debug=False)
        return found["default"], direct

    return read_variables


def test_without_variables_there_is_no_database(read):
    assert read() == ({}, {})


def test_a_single_database_has_cursors_of_the_server_and_no_direct_connection(read):
    default, direct = read(DATABASE_URL=DIRECT)
    assert default["HOST"] == "db.example.com"
    assert not default["DISABLE_SERVER_SIDE_CURSORS"]
    assert default["OPTIONS"] == {"connect_timeout": 5, "sslmode": "require"}
    assert direct == {}


@pytest.mark.parametrize(
    "variables",
    [
        {"DATABASE_URL": POOL, "DATABASE_DIRECT_URL": DIRECT},
        {"DATABASE_CONNECTION_POOL_URL": POOL, "DATABASE_URL": DIRECT},
    ],
)
def test_a_pool_has_no_cursors_of_the_server_and_a_direct_connection_beside_it(read, variables):
    default, direct = read(**variables)
    assert (default["HOST"], direct["HOST"]) == ("pool.example.com", "db.example.com")
    assert default["DISABLE_SERVER_SIDE_CURSORS"]
    assert not direct["DISABLE_SERVER_SIDE_CURSORS"]
    # PgBouncer refuses this one.
    assert "options" not in default["OPTIONS"]
    assert direct["OPTIONS"]["options"] == "-c statement_timeout=0"
