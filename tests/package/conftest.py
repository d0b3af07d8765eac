import io
import json
import logging

import pytest
from django.conf import settings

from example.production import VALID_SETTINGS
from paas.checks import problems
from paas.logs import configuration
from paas.startup import exit_if_misconfigured

pytest_plugins = ["paas.testing.fixtures"]

# What depends on the server runs with each; all else once, with Uvicorn.
INTERFACE = "asgi" if settings.IS_ASGI else "wsgi"
EACH_SERVER = ["test_server.py", f"test_{INTERFACE}_server.py"]


def pytest_ignore_collect(collection_path):
    name = collection_path.name
    if not name.startswith("test_") or name in EACH_SERVER:
        return None
    return settings.SITE_SERVER != "asgi-uvicorn" or name == "test_wsgi_server.py"


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
        name: str = "site",
        pool: bool = False,
        **changes,
    ) -> None:
        options = {"pool": pool} | ({"sslmode": sslmode} if sslmode else {})
        database = {"ENGINE": engine, "NAME": name, "HOST": "db.example.com", "OPTIONS": options}
        for key, value in database.items():
            monkeypatch.setitem(settings.DATABASES["default"], key, value)
        for key, value in (VALID_SETTINGS | changes).items():
            setattr(settings, key, value)

    return set_all


@pytest.fixture
def only_problem(configure, monkeypatch, capsys):
    """A function that returns the only problem after the changes; a web process exits too."""

    def check(**changes) -> str:
        configure(**changes)
        monkeypatch.setenv("DYNO", "web.1")
        errors = problems()
        assert len(errors) == 1, errors
        with pytest.raises(SystemExit):
            exit_if_misconfigured()
        assert capsys.readouterr().err.startswith(errors[0].msg)
        return errors[0].msg

    return check
