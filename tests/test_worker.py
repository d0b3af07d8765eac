"""Background tasks: the worker, started from its own line beside the web process, loses none."""

import json
import signal
import time

import pytest
from combinations import COMBINATIONS, about
from rehearsal.mail import MailServer

WITH_CELERY = [answers for answers in COMBINATIONS if answers["use_celery"]]
EACH_PLATFORM = {answers["platform"]: answers for answers in WITH_CELERY}.values()
# Longer than a worker that is stopped may take to end, by its own rule.
TOO_LONG = 60
REDIS_CONNECTIONS = 20
MEGABYTES = 512


@pytest.fixture
def mail(certificates):
    with MailServer(certificates) as server:
        yield server


@pytest.fixture
def start_worker(deployment, mail, services):
    """Start a worker, which has to be entered, that sends its mail to the server here."""
    # The authority stands for the public ones that every machine trusts.
    changes = {"EMAIL_URL": mail.url, "SSL_CERT_FILE": str(services.authority)}
    return lambda: deployment.worker(**changes)


def wait_until(is_true, what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.05)


def sign_up(site, name: str) -> str:
    """Sign up, and return the address that the welcome goes to."""
    with site.visitor() as visitor:
        assert visitor.sign_up(name).status_code == 302
    return f"{name}@example.com"


@about(WITH_CELERY)
def test_whoever_signs_up_is_welcomed_once_though_the_worker_is_stopped_meanwhile(
    start_worker, mail, site, services, project, report
):
    with start_worker() as worker:
        address = sign_up(site, "greeted")
        wait_until(lambda: mail.sent_to(address), "the first mail")
        report("worker MB", round(worker.memory()))
        assert worker.memory() < MEGABYTES
        connections = services.redis_connections(worker) + services.redis_connections(site.process)
        report("Redis connections with a worker", connections)
        assert 0 < connections <= REDIS_CONNECTIONS
        mail.seconds = 3
        address = sign_up(site, "greeted_late")
        assert mail.is_receiving.wait(30)
        worker.signal(signal.SIGTERM)
        assert worker.process.wait(worker.grace) == 0, worker.output()
        assert len(mail.sent_to(address)) == 1
    assert "Traceback" not in worker.output()


@about(EACH_PLATFORM)
def test_a_task_that_a_stopping_worker_cannot_finish_is_done_by_the_next(start_worker, mail, site):
    mail.seconds = TOO_LONG
    with start_worker() as worker:
        address = sign_up(site, "greeted_by_the_next")
        assert mail.is_receiving.wait(30)
        worker.signal(signal.SIGTERM)
        worker.process.wait(worker.grace)
    assert mail.sent_to(address) == []
    mail.seconds = 0
    with start_worker():
        wait_until(lambda: mail.sent_to(address), "the mail by the next worker")
        time.sleep(2)
    assert len(mail.sent_to(address)) == 1


@about(EACH_PLATFORM)
def test_the_line_of_a_task_has_the_id_of_the_request_that_queued_it(start_worker, mail, site):
    with start_worker() as worker, site.visitor() as visitor:
        signed_up = visitor.sign_up("greeted_in_the_log")
        wait_until(lambda: mail.sent_to("greeted_in_the_log@example.com"), "the mail")
        worker.stop()
    # Celery has a few words of its own when it ends.
    lines = [line for line in worker.output().splitlines() if line.startswith("{")]
    (event,) = [event for event in map(json.loads, lines) if "request_id" in event]
    assert event["request_id"] == signed_up.headers["X-Request-ID"]
    assert (event["logger"], event["level"]) == ("celery.app.trace", "info")
    assert event["task"] == "welcome.tasks.send_welcome"
    assert event["task_id"] in event["event"]
