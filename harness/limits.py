"""A site with limits so small that tests reach them in little time."""

from pathlib import Path

import pytest

from harness.combinations import is_asgi

THREADS = 4  # WEB_THREADS
QUEUE = 20  # MAX_QUEUED_REQUESTS

VARIABLES = {
    "WEB_CONCURRENCY": "1",
    "WEB_THREADS": str(THREADS),
    "MAX_QUEUED_REQUESTS": str(QUEUE),
    "STATEMENT_TIMEOUT": "0",
}


@pytest.fixture(scope="session")
def temporary(tmp_path_factory) -> Path:
    """Where the process of ``limited`` makes its temporary files."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="session")
def limited_process(deployment, extra_views, project, temporary):
    # After a 413 the rest is discarded, so that the client sees the 413: here 10 MB, not 1 GB.
    module = "paas.asgi.incoming" if is_asgi(project.answers) else "paas.wsgi"
    changes = {"EXTRA_CONSTANTS": f"{module}.DISCARD_BYTES=10000000", "TMPDIR": str(temporary)}
    with deployment.site(**extra_views, **VARIABLES, **changes) as site:
        yield site


@pytest.fixture
def limited(limited_process):
    """A site of one process with these limits, which logs nothing worse than a warning."""
    before = len(limited_process.process.events())
    yield limited_process
    events = limited_process.process.events()[before:]
    assert [event for event in events if event["level"] not in ("info", "warning")] == []
