"""Persistent connections are checked by their sockets, and every QUERY_INTERVAL by a query."""

import socket
from types import SimpleNamespace

import psycopg
import pytest

from paas.db import health


@pytest.fixture
def connection(monkeypatch):
    """A persistent connection; ``server`` is the other end of its socket."""
    ours, server = socket.socketpair()
    with ours, server:
        found = SimpleNamespace(vendor="postgresql", connection=ours, server=server)
        every = SimpleNamespace(all=lambda initialized_only: [found])
        monkeypatch.setattr(health, "connections", every)
        yield found


def is_checked(connection) -> bool:
    """Whether Django checks the connection with a query at the start of a request."""
    connection.health_check_done = False
    health.skip_health_checks()
    return not connection.health_check_done


def test_a_connection_is_checked_with_a_query_first_and_then_not_for_a_while(connection):
    assert [is_checked(connection) for _ in range(3)] == [True, False, False]
    connection.checked_at -= health.QUERY_INTERVAL
    assert [is_checked(connection) for _ in range(3)] == [True, False, False]


def test_a_connection_that_the_server_ended_is_checked(connection):
    assert is_checked(connection)
    connection.server.close()
    assert is_checked(connection)


class ClosedConnection:
    def fileno(self) -> int:
        raise psycopg.OperationalError("the connection is closed")


@pytest.mark.parametrize("closed", [None, ClosedConnection()])
def test_a_connection_that_is_closed_is_left_to_django(connection, closed):
    assert is_checked(connection)
    connection.connection = closed
    assert is_checked(connection)
