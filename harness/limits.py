"""A site with limits so small that tests reach them in little time."""

from pathlib import Path

import pytest

THREADS = 4  # WEB_THREADS
QUEUE = 20  # MAX_QUEUED_REQUESTS
SEND_TIMEOUT = 10
# A connection without requests, or with a part of one, is closed after so long.
IDLE_SECONDS = 8
# Gunicorn replaces a worker that does not report for so long.
REPORT_SECONDS = 10
UNREAD_ON_DISK = 50_000_000
SLOTS = 150  # connections under WSGI

VARIABLES = {
    "WEB_CONCURRENCY": "1",
    "WEB_THREADS": str(THREADS),
    "MAX_QUEUED_REQUESTS": str(QUEUE),
    "SEND_TIMEOUT": str(SEND_TIMEOUT),
    "STATEMENT_TIMEOUT": "0",
    "GUNICORN_CMD_ARGS": f"--keep-alive {IDLE_SECONDS} --timeout {REPORT_SECONDS} "
    f"--worker-connections {SLOTS}",
}
# After a 413 a server discards the rest, so that the client sees the 413: here 10 MB, not 1 GB.
FOR_EACH = (
    f"paas.limits.DISCARD_BYTES=10000000 paas.limits.RECEIVE_PAUSE_SECONDS={IDLE_SECONDS} "
    f"paas.limits.RECEIVE_SECONDS={IDLE_SECONDS}"
)
CONSTANTS = {
    "asgi-daphne": f"paas.servers.daphne_channel.KEEP_ALIVE_SECONDS={IDLE_SECONDS}",
    "asgi-uvicorn": f"paas.servers.uvicorn_connection.KEEP_ALIVE_SECONDS={IDLE_SECONDS}",
    "wsgi-gunicorn": "",
    # The server's module runs as __main__.
    "wsgi-waitress": f"__main__.MAX_UNREAD_ON_DISK={UNREAD_ON_DISK} "
    f"__main__.MAX_CONNECTIONS={SLOTS}",
}


@pytest.fixture(scope="session")
def temporary(tmp_path_factory) -> Path:
    """Where the process of ``limited`` makes its temporary files."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="session")
def limited_process(deployment, extra_views, project, temporary):
    constants = f"{FOR_EACH} {CONSTANTS[project.answers['server']]}"
    changes = VARIABLES | {"EXTRA_CONSTANTS": constants, "TMPDIR": str(temporary)}
    with deployment.site(**extra_views, **changes) as site:
        yield site


@pytest.fixture
def limited(limited_process):
    """A site of one process with these limits, which logs nothing worse than a warning."""
    before = len(limited_process.process.events())
    yield limited_process
    events = limited_process.process.events()[before:]
    assert [event for event in events if event["level"] not in ("info", "warning")] == []
