"""What a worker does with the mail that everyone gets who signs up."""

import json

from rehearse.processes import Process
from tests.harness.site import Site
from tests.harness.waiting import SECONDS


def sign_up(site: Site, name: str) -> tuple[str, str]:
    """Sign up; returns the address that the mail goes to, and the id of the request."""
    with site.visitor() as visitor:
        response = visitor.sign_up(name)
    assert response.status_code == 302
    return f"{name}@example.com", response.headers["X-Request-ID"]


def events(worker: Process) -> list[dict]:
    """What the worker has logged, without the few lines of Celery's own that are not JSON."""
    return [json.loads(line) for line in worker.output().splitlines() if line.startswith("{")]


def wait_for_end(worker: Process) -> None:
    assert worker.process.wait(SECONDS) == 0, worker.output()
    assert "Traceback" not in worker.output()
