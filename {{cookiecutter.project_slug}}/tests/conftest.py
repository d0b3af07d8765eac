import asyncio
import io
import json
import logging

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from config.logs import configuration
from users.models import User


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """Hashing a password is slow on purpose; the tests need not wait for it."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session", autouse=True)
def close_connections(django_db_setup):
    """Tests of asynchronous code leave one to the database in another thread; on PostgreSQL it
    would keep the test database from being deleted.
    """
    yield
    asyncio.run(sync_to_async(connections.close_all)())


@pytest.fixture
def user(db):
    return User.objects.create_user("ada", "ada@example.com", "correct horse")


@pytest.fixture
def events():
    """Returns what was logged since it was last asked, as production prints it."""
    options = configuration("INFO")["formatters"]["line"]
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(options.pop("()")(**options))

    def read() -> list[dict]:
        written = handler.setStream(io.StringIO())
        assert written is not None  # as it would be for the stream that it has
        return [json.loads(line) for line in written.getvalue().splitlines()]

    logging.root.addHandler(handler)
    yield read
    logging.root.removeHandler(handler)
