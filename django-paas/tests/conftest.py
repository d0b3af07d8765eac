import asyncio
import io
import json
import logging

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail.backends.locmem import EmailBackend as Outbox
from django.db import connections

from example.production import VALID_SETTINGS
from paas.checks import problems
from paas.logs import configuration
from paas.startup import refuse_misconfiguration

# They import what a site of another server does not have.
ONLY_FOR = {
    "asgi": ["test_asgi.py", "test_consumers.py", "test_handler.py"],
    "wsgi-gunicorn": ["test_wsgi_worker.py"],
    "wsgi-waitress": ["test_waitress_channel.py"],
}
collect_ignore = [
    name
    for server, names in ONLY_FOR.items()
    if server not in settings.SITE_SERVER
    for name in names
]


@pytest.fixture(autouse=True)
def fast_hasher(settings):
    """Argon2 is slow by design; tests need not be."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def mail_failures(monkeypatch):
    """The errors that sending a mail raises, the last one first; when the list is empty, it succeeds."""
    errors: list[OSError] = []
    send = Outbox.send_messages

    def send_or_fail(outbox, messages):
        if errors:
            raise errors.pop()
        return send(outbox, messages)

    monkeypatch.setattr(Outbox, "send_messages", send_or_fail)
    return errors


@pytest.fixture(scope="session", autouse=True)
def close_connections(django_db_setup):
    """sync_to_async() leaves a connection open in its thread; PostgreSQL does not drop a database
    that has one.
    """
    yield
    asyncio.run(sync_to_async(connections.close_all)())


@pytest.fixture
def user(db):
    return get_user_model().objects.create_user("ada", "ada@example.com", "correct horse")


@pytest.fixture
def events():
    """A function that returns the log lines since its last call, in the format of production."""
    options = configuration("INFO")["formatters"]["line"]
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(options.pop("()")(**options))

    def read() -> list[dict]:
        written = handler.setStream(io.StringIO())
        assert written is not None  # setStream() returns None for the same stream
        return [json.loads(line) for line in written.getvalue().splitlines()]

    logging.root.addHandler(handler)
    yield read
    logging.root.removeHandler(handler)


@pytest.fixture
def configure(settings, monkeypatch):
    """A function that applies VALID_SETTINGS with changes."""

    def set_all(
        engine: str = "django.db.backends.postgresql",
        sslmode: str | None = "require",
        **changes,
    ) -> None:
        options = {"sslmode": sslmode} if sslmode else {}
        database = {"ENGINE": engine, "HOST": "db.example.com", "OPTIONS": options}
        for name, value in database.items():
            monkeypatch.setitem(settings.DATABASES["default"], name, value)
        for name, value in (VALID_SETTINGS | changes).items():
            setattr(settings, name, value)

    return set_all


@pytest.fixture
def only_problem(configure, monkeypatch, capsys):
    """A function that returns the only problem after the changes; a web process exits too."""

    def check(**changes) -> str:
        configure(**changes)
        monkeypatch.setenv("PORT", "8000")
        errors = problems()
        assert len(errors) == 1, errors
        with pytest.raises(SystemExit):
            refuse_misconfiguration()
        assert capsys.readouterr().err.startswith(errors[0].msg)
        return errors[0].msg

    return check
