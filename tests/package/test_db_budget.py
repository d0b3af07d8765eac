"""The budget of database connections, in the log at the start and from 80 % on."""

import pytest
from django.db import connection

from paas.db.budget import Budget, connections_per_process, log_connections
from paas.site.health import probe_database


@pytest.fixture
def budget(monkeypatch):
    """A budget in place of PostgreSQL's answer, to be changed."""
    found = Budget(limit=20, in_use=15)
    monkeypatch.setattr("paas.db.budget.read_budget", lambda connection: found)
    monkeypatch.setattr(connection, "vendor", "postgresql")
    monkeypatch.setattr("paas.db.budget.LAST_WARNING", {})
    return found


def lines(events) -> list[dict]:
    return [event for event in events() if event["event"] == "database connections"]


def test_the_start_of_a_process_is_a_line_with_the_limit(budget, events):
    log_connections(connection, 6)
    [line] = lines(events)
    assert (line["limit"], line["in_use"], line["this_process"]) == (20, 15, 6)
    assert line["database"] == "default"
    assert line["level"] == "info"


def test_a_probe_logs_only_a_shortage_and_not_each_time(db, budget, events):
    probe_database()
    assert lines(events) == []
    budget.in_use = 20
    for _ in range(3):
        probe_database()
    [line] = lines(events)
    assert line["this_process"] == connections_per_process()
