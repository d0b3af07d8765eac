"""The pool of database connections that Gunicorn's threads share."""

import socket
from types import SimpleNamespace

import psycopg
import pytest

from paas.db.budget import connections_per_process
from paas.db.health import check_socket
from paas.db.pool import share_connections


@pytest.fixture
def database(settings, monkeypatch):
    """A PostgreSQL database as paas.db.url makes it."""
    found: dict = {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 600,
        "OPTIONS": {"sslmode": "require"},
    }
    monkeypatch.setitem(settings.DATABASES, "default", found)
    settings.DATABASE_POOL_SIZE, settings.DATABASE_IS_POOLED = 4, False
    settings.WEB_THREADS = 16
    return found


def test_threads_share_a_few_connections(database, settings):
    settings.ASGI_APPLICATION = None
    assert connections_per_process() == 4
    share_connections()
    pool = database["OPTIONS"]["pool"]
    assert (pool["min_size"], pool["max_size"], pool["check"]) == (0, 4, check_socket)
    assert database["CONN_MAX_AGE"] == 0  # Django requires it
    assert database["OPTIONS"]["sslmode"] == "require"


@pytest.mark.parametrize(("size", "is_pooled"), [(0, False), (4, True)])
def test_without_a_size_and_with_pgbouncer_each_thread_has_its_own(
    database, settings, size, is_pooled
):
    settings.DATABASE_POOL_SIZE, settings.DATABASE_IS_POOLED = size, is_pooled
    settings.ASGI_APPLICATION = None
    share_connections()
    assert connections_per_process() == 16 + 1
    assert "pool" not in database["OPTIONS"]
    assert database["CONN_MAX_AGE"] == 600


class Connection(SimpleNamespace):
    """Psycopg's, as far as the check goes."""

    closed = False

    def fileno(self):
        return self.socket.fileno()

    def close(self):
        self.closed = True


def test_a_connection_that_postgresql_has_closed_is_not_lent_again(monkeypatch):
    """The pool takes back what fails its check, unless that has closed it."""
    drained: list = []
    wrapper = SimpleNamespace(pool=SimpleNamespace(drain=lambda: drained.append(1)))
    connections = SimpleNamespace(all=lambda initialized_only: [wrapper, SimpleNamespace()])
    monkeypatch.setattr("paas.db.health.connections", connections)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = Connection(socket=ours)
        check_socket(connection)
        assert not connection.closed
        theirs.close()
        with pytest.raises(psycopg.OperationalError):
            check_socket(connection)
    assert connection.closed
    assert drained == [1]
