"""Background tasks: the worker, started from its own line beside the web process, loses none."""

import json
import re
import signal
import time

import psutil
import pytest

from rehearsal.combinations import COMBINATIONS, for_combinations
from rehearsal.mail import MailServer

WITH_CELERY = [answers for answers in COMBINATIONS if answers["use_celery"]]
EACH_PLATFORM = {answers["platform"]: answers for answers in WITH_CELERY}.values()
# Less than the timeout of paas/mail.py, after which a task tries again later.
MAIL_SECONDS = 4
REDIS_CONNECTIONS = 20
MEGABYTES = 512


@pytest.fixture
def mail(certificates):
    with MailServer(certificates) as server:
        yield server


@pytest.fixture
def start_worker(deployment, mail, services):
    """Start a worker, which has to be entered, that sends its mail to the server here."""
    services.valkey.flush()
    # The authority stands for the public ones that every machine trusts.
    changes = {"EMAIL_URL": mail.url, "SSL_CERT_FILE": str(services.authority)}
    return lambda: deployment.worker(**changes)


@pytest.fixture
def no_task_is_left(services):
    """Returns once every task has ended."""

    def is_idle() -> bool:
        # Twice: for a moment, a task on its way to the worker is nowhere in Valkey.
        for _ in range(2):
            if services.valkey.tasks():
                return False
            time.sleep(0.5)
        return True

    return lambda: wait_until(is_idle, "the end of all tasks", 60)


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


def sending_process(worker, mail) -> psutil.Process:
    """The worker's process that is sending a mail, once one is."""
    assert mail.is_receiving.wait(30), worker.output()
    (process,) = [
        process
        for process in worker.everyone()
        if any(one.raddr and one.raddr.port == mail.port for one in process.net_connections("tcp"))
    ]
    return process


def errors(worker) -> list[str]:
    """The errors that the worker has logged, past Celery's few words that are not JSON."""
    lines = [line for line in worker.output().splitlines() if line.startswith("{")]
    events = map(json.loads, lines)
    return [event["event"] for event in events if event["level"] == "error"]


@for_combinations(WITH_CELERY)
def test_whoever_signs_up_is_welcomed_once(start_worker, mail, site, services, report):
    with start_worker() as worker:
        address = sign_up(site, "greeted")
        wait_until(lambda: mail.sent_to(address), "the mail")
        report("worker MB", round(worker.memory()))
        assert worker.memory() < MEGABYTES
        connections = services.redis_connections(worker) + services.redis_connections(site.process)
        report("Redis connections with a worker", connections)
        assert 0 < connections <= REDIS_CONNECTIONS
        worker.signal(signal.SIGTERM)
        assert worker.process.wait(worker.grace) == 0, worker.output()
    assert len(mail.sent_to(address)) == 1
    assert "Traceback" not in worker.output()


@for_combinations(EACH_PLATFORM)
def test_a_task_that_ends_soon_after_sigterm_is_not_done_again(
    start_worker, mail, site, no_task_is_left
):
    mail.seconds = 3
    with start_worker() as worker:
        address = sign_up(site, "greeted_late")
        assert mail.is_receiving.wait(30)
        worker.signal(signal.SIGTERM)
        assert worker.process.wait(worker.grace) == 0, worker.output()
    assert "Traceback" not in worker.output()
    with start_worker():
        no_task_is_left()
    assert len(mail.sent_to(address)) == 1


@for_combinations(EACH_PLATFORM)
def test_a_task_that_two_deploys_cut_short_is_done_by_the_next_worker(
    start_worker, mail, site, services, project, no_task_is_left
):
    """And neither was a loss."""
    with services.postgres.locked(project.database, "welcome_welcome"):
        address = sign_up(site, "greeted_by_the_third")
        for _ in range(2):
            with start_worker() as worker:
                wait_until(lambda: services.postgres.held_up(project.database), "a task at work")
                worker.signal(signal.SIGTERM)
                assert worker.process.wait(worker.grace) == 0, worker.output()
            assert services.valkey.tasks()
            assert errors(worker) == []
    with start_worker():
        wait_until(lambda: mail.sent_to(address), "the mail by the third worker")
        no_task_is_left()
    assert len(mail.sent_to(address)) == 1


@for_combinations(EACH_PLATFORM)
def test_a_task_whose_process_is_killed_runs_again_at_once(
    start_worker, mail, site, no_task_is_left
):
    mail.seconds = MAIL_SECONDS
    with start_worker() as worker:
        address = sign_up(site, "greeted_again")
        sending_process(worker, mail).kill()
        mail.seconds = 0
        wait_until(lambda: mail.sent_to(address), "the mail by another process")
        no_task_is_left()
    assert len(mail.sent_to(address)) == 1


def set_aside_command(worker) -> str:
    """The command that the log names to run a task again, once one is set aside."""
    (error,) = [event for event in errors(worker) if "set aside" in event]
    task_id = re.search(r"welcome\.tasks\.send_welcome\[([\w-]+)\]", error)[1]
    assert error.endswith(f"python manage.py run_task_again {task_id}")
    return error.partition("To run it again: ")[2]


@for_combinations(EACH_PLATFORM)
def test_a_task_whose_process_is_killed_twice_is_set_aside_until_it_is_run_again(
    start_worker, mail, site, deployment, no_task_is_left
):
    mail.seconds = MAIL_SECONDS
    with start_worker() as worker:
        address = sign_up(site, "greeted_by_hand")
        for _ in range(2):
            sending_process(worker, mail).kill()
            wait_until(lambda: not mail.is_receiving.is_set(), "the end of the connection")
        no_task_is_left()
        command = set_aside_command(worker)
        assert command.split()[-1] in deployment.run("python manage.py run_task_again")
        assert mail.sent_to(address) == []
        mail.seconds = 0
        deployment.run(command)
        wait_until(lambda: mail.sent_to(address), "the mail")
    assert "send_welcome" not in deployment.run("python manage.py run_task_again")


@for_combinations(EACH_PLATFORM)
def test_a_task_whose_whole_worker_is_killed_twice_is_set_aside(
    start_worker, mail, site, services, no_task_is_left
):
    """As platforms do to a worker that takes too much memory."""
    mail.seconds = MAIL_SECONDS
    address = sign_up(site, "greeted_never")
    for _ in range(2):
        with start_worker() as worker:
            assert mail.is_receiving.wait(30), worker.output()
            worker.kill()
        wait_until(lambda: not mail.is_receiving.is_set(), "the end of the connection")
        # Instead of waiting for 15 minutes.
        services.valkey.age_tasks()
    with start_worker() as worker:
        no_task_is_left()
        assert set_aside_command(worker)
    assert mail.sent_to(address) == []


@for_combinations(EACH_PLATFORM)
def test_two_deliveries_of_a_task_at_once_send_one_mail(
    start_worker, mail, site, deployment, no_task_is_left
):
    address = sign_up(site, "greeted_at_once")
    deployment.run_script("""
from users.models import User
from welcome.tasks import send_welcome
send_welcome.delay(User.objects.get(username="greeted_at_once").pk)
""")
    mail.seconds = 3
    with start_worker():
        no_task_is_left()
    assert len(mail.sent_to(address)) == 1


@for_combinations(EACH_PLATFORM)
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
