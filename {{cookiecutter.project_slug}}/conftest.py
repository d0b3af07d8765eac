import asyncio
import io
import json
import logging

import pytest
from asgiref.sync import sync_to_async
from django.core.mail.backends.locmem import EmailBackend as Outbox
from django.db import connections

from paas.checks import check_environment
from paas.logs import configuration
from paas.startup import refuse_misconfiguration
from paas.tests import production
from users.models import User

# Settings and environment variables that pass the deploy checks; add those of your own apps.
production.VALID_SETTINGS |= {
    "ALLOWED_HOSTS": ["www.example.com"],
    # <% if cookiecutter.__redis == "yes" %>
    "REDIS_URL": "rediss://:password@localhost:6379",
    # <% endif %>
    # <% if cookiecutter.__interface == "asgi" %>
    "CHANNEL_LAYERS": {"default": {"BACKEND": "paas.asgi.channel_layer.ChannelLayer"}},
    # <% endif %>
    # <% if cookiecutter.use_s3_media %>
    "BUCKET": {
        "access_key": "AKIAIOSFODNN7EXAMPLE",
        "secret_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "bucket_name": "uploads",
        "region_name": "us-east-1",
    },
    # <% endif %>
}
production.ENVIRONMENT |= {
    "ALLOWED_HOSTS": "127.0.0.1",
    # <% if cookiecutter.__redis == "yes" %>
    "REDIS_URL": "redis://localhost:1",
    # <% endif %>
    # <% if cookiecutter.use_s3_media %>
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_STORAGE_BUCKET_NAME": "uploads",
    "AWS_S3_REGION_NAME": "us-east-1",
    # <% endif %>
}


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
    return User.objects.create_user("ada", "ada@example.com", "correct horse")


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
        conn_max_age: int = 0,
        sslmode: str | None = "require",
        **changes,
    ) -> None:
        database = {"ENGINE": engine, "CONN_MAX_AGE": conn_max_age, "HOST": "db.example.com"}
        database["OPTIONS"] = {"sslmode": sslmode} if sslmode else {}
        for name, value in database.items():
            monkeypatch.setitem(settings.DATABASES["default"], name, value)
        for name, value in (production.VALID_SETTINGS | changes).items():
            setattr(settings, name, value)

    return set_all


@pytest.fixture
def only_deploy_error(configure, monkeypatch, capsys):
    """A function that returns the only deploy error after the changes; a web process exits too."""

    def check(**changes) -> str:
        configure(**changes)
        monkeypatch.setenv("PORT", "8000")
        errors = check_environment()
        assert len(errors) == 1, errors
        with pytest.raises(SystemExit):
            refuse_misconfiguration()
        assert capsys.readouterr().err.startswith(errors[0].msg)
        return errors[0].msg

    return check
