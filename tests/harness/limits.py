"""A site of one process with a short queue, which tests fill in little time."""

from pathlib import Path

import pytest

THREADS = 4  # WEB_THREADS of an ASGI process
QUEUE = 20  # MAX_QUEUED_REQUESTS
VARIABLES = {"WEB_CONCURRENCY": "1", "MAX_QUEUED_REQUESTS": str(QUEUE), "STATEMENT_TIMEOUT": "0"}


@pytest.fixture(scope="session")
def temporary(tmp_path_factory) -> Path:
    """Where the process of ``limited`` makes its temporary files."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="session")
def limited_process(deployment, extra_views, temporary):
    with deployment.site(**extra_views, **VARIABLES, TMPDIR=str(temporary)) as site:
        yield site


@pytest.fixture
def limited(limited_process):
    """That site; it logs nothing worse than a warning."""
    before = len(limited_process.process.events())
    yield limited_process
    events = limited_process.process.events()[before:]
    assert [event for event in events if event["level"] not in ("info", "warning")] == []
