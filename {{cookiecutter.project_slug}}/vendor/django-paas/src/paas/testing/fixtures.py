"""Fixtures for pytest: ``pytest_plugins = ["paas.testing.fixtures"]`` in a project's conftest.py."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.core.mail.backends.locmem import EmailBackend as Outbox
from django.db import connections


@pytest.fixture(autouse=True)
def fast_hasher(settings):
    """Argon2 is slow by design; tests need not be."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def mail_failures(monkeypatch):
    """The errors that sending a mail raises, the last one first; when the list is empty, it succeeds."""
    errors: list[Exception] = []
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
    """The user "ada", ada@example.com, with the password "correct horse"."""
    return get_user_model().objects.create_user("ada", "ada@example.com", "correct horse")
