import asyncio
import io
import json
import logging

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from config.checks import check_environment, refuse_misconfiguration
from config.logs import configuration
from tests.production import GOOD
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


@pytest.fixture
def configure(settings, monkeypatch):
    """Set all that lets a site go live, but for these changes."""

    def set_all(
        engine: str = "django.db.backends.postgresql",
        conn_max_age: int = 0,
        sslmode: str | None = "require",
        **changes,
    ) -> None:
        database = {"ENGINE": engine, "CONN_MAX_AGE": conn_max_age, "HOST": "db.example.com"}
        database["OPTIONS"] = {"sslmode": sslmode} if sslmode else {}
        for name, value in database.items():
            monkeypatch.setitem(settings.DATABASES["default"], name, value)
        for name, value in (GOOD | changes).items():
            setattr(settings, name, value)

    return set_all


@pytest.fixture
def refusal(configure, monkeypatch, capsys):
    """Returns the one sentence with which a release and a process refuse these changes."""

    def refuse(**changes) -> str:
        configure(**changes)
        monkeypatch.setenv("PORT", "8000")
        problems = check_environment()
        assert len(problems) == 1, problems
        with pytest.raises(SystemExit):
            refuse_misconfiguration()
        assert capsys.readouterr().err.startswith(problems[0].msg)
        return problems[0].msg

    return refuse
