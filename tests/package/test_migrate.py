"""``migrate`` creates the tables of database caches, and only looks if it is told to."""

import pytest
from django.core.management import call_command
from django.db import connection


@pytest.fixture
def has_cache(transactional_db):
    """Drop the cache's table; return a function that says whether it is there."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE cache")
    yield lambda: "cache" in connection.introspection.table_names()
    call_command("createcachetable", verbosity=0)


@pytest.mark.parametrize("option", ["plan", "check_unapplied"])
def test_looking_at_migrations_creates_no_table(has_cache, option):
    call_command("migrate", verbosity=0, **{option: True})
    assert not has_cache()


def test_migrating_creates_the_table_of_the_cache(has_cache):
    call_command("migrate", verbosity=0)
    assert has_cache()
