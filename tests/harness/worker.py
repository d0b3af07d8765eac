"""A worker, and the mail that it sends to everyone who signs up."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from rehearse.platforms import Services
from rehearse.processes import Process
from tests.harness.combinations import COMBINATIONS, by_name
from tests.harness.deployment import Deployment
from tests.harness.mail import MailServer
from tests.harness.site import Site
from tests.harness.waiting import SECONDS, wait_until

WITH_CELERY = [answers for answers in COMBINATIONS if answers["use_celery"]]
# One for each server, on both platforms: the everyday tests. A rehearsal has the others.
EVERYDAY = by_name(
    "heroku-asgi-uvicorn-use_celery-use_s3_media",
    "digitalocean-asgi-daphne-use_celery",
    "heroku-wsgi-gunicorn-use_celery-use_s3_media",
    "digitalocean-wsgi-waitress-use_celery-use_s3_media",
)


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


@contextmanager
def worker_with_one_mail(
    deployment: Deployment, site: Site, services: Services, mail: MailServer
) -> Iterator[tuple[Process, str]]:
    """A worker that has sent one mail, and the id of the request that the mail is for.

    Raises AssertionError if it is sent again, or if the worker does not exit with status 0.
    """
    services.valkey.flush()  # tasks that other tests left
    with deployment.worker() as worker:
        address, request_id = sign_up(site, "greeted")
        wait_until(lambda: mail.sent_to(address), "the mail")
        wait_until(lambda: not services.valkey.tasks("send_welcome"), "the end of the task")
        yield worker, request_id
        worker.signal(signal.SIGTERM)
        wait_for_end(worker)
    assert len(mail.sent_to(address)) == 1
