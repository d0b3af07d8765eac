"""A task that two deployments cut short is done, one that ends two workers is set aside, and none is
done twice. A worker does the same beside each web server and on each platform.
"""

import re
import signal
import time
from functools import partial

import pytest

from rehearse.platforms import Heroku
from tests.harness.combinations import by_name, for_combinations
from tests.harness.waiting import wait_until
from tests.harness.worker import events, sign_up, wait_for_end

RUN_AGAIN = "python manage.py run_task_again"

pytestmark = for_combinations(by_name("digitalocean-wsgi-waitress-use_celery"))


@pytest.fixture
def tasks(services):
    """How many mails since the test began are queued or under way."""
    services.valkey.flush()
    return partial(services.valkey.tasks, "send_welcome")


@pytest.fixture
def held_mail(mail):
    mail.is_held = True
    return mail


def assert_one_mail(mail, address: str, tasks) -> None:
    """The address gets one mail, if not yet then soon, and there is nothing left to do."""
    wait_until(lambda: mail.sent_to(address), "the mail")
    wait_until(lambda: not tasks(), "the end of the task")
    assert len(mail.sent_to(address)) == 1


def kill_sender(worker, mail) -> None:
    """Kill the worker's process that sends a mail, once one does."""
    wait_until(mail.is_receiving.is_set, "a mail on its way")
    for process in worker.everyone():
        if mail.port in [one.raddr.port for one in process.net_connections("tcp") if one.raddr]:
            process.kill()
    wait_until(lambda: not mail.is_receiving.is_set(), "the end of the connection")


def id_of_set_aside(worker) -> str:
    """Wait for the log line on a task that is set aside, and return the task's id."""
    [event] = wait_until(
        lambda: [event for event in events(worker) if "is set aside" in event["event"]],
        "the task to be set aside",
    )
    assert event["level"] == "error"
    task = rf"welcome\.tasks\.send_welcome\[(.+?)\] is set aside: .+: {RUN_AGAIN} \1"
    return re.search(task, event["event"])[1]


def test_a_task_that_two_deploys_cut_short_is_done_by_the_next_worker(
    deployment, mail, site, tasks, services, project, report
):
    """Neither counts as a lost worker, and each ends before the platform would kill it."""

    def waiting() -> int:
        return services.postgres.held_up(project.database)

    with services.postgres.locked(project.database, "welcome_welcome"):
        address, _ = sign_up(site, "greeted_by_the_third")
        for _ in range(2):
            wait_until(lambda: not waiting(), "the end of the query of the last worker")
            with deployment.worker() as worker:
                wait_until(waiting, "a task at work")
                started = time.monotonic()
                worker.signal(signal.SIGTERM)
                wait_for_end(worker)
            report("end of a worker at work s", round(time.monotonic() - started, 1))
            assert time.monotonic() - started < Heroku.grace
            assert tasks() == 1
            assert {event["level"] for event in events(worker)} <= {"info", "warning"}
    with deployment.worker():
        assert_one_mail(mail, address, tasks)


LATER = "from paas.celery.tasks import clear_sessions; clear_sessions.apply_async(countdown=3600)"


def test_a_task_that_is_not_due_stays_with_its_worker_until_sigterm(deployment, tasks, services):
    valkey = services.valkey
    deployment.run_script(LATER)
    with deployment.worker() as worker:
        wait_until(lambda: not valkey.queued(), "the worker to take it")
        valkey.age_tasks()  # instead of waiting for 15 minutes
        # Sooner than the next 100 seconds after which Redis may give it to another.
        wait_until(valkey.oldest_delivery, "the worker to keep it", 60)
        worker.signal(signal.SIGTERM)
        wait_for_end(worker)
    assert len(valkey.queued()) == 1


def test_a_task_whose_process_is_killed_twice_is_set_aside(deployment, held_mail, site, tasks):
    with deployment.worker() as worker:
        address, _ = sign_up(site, "greeted_by_hand")
        for _ in range(2):
            kill_sender(worker, held_mail)
        task_id = id_of_set_aside(worker)
        held_mail.is_held = False
        wait_until(lambda: not tasks(), "the end of the task")
        assert task_id in deployment.run(RUN_AGAIN)
        assert held_mail.sent_to(address) == []
        deployment.run(f"{RUN_AGAIN} {task_id}")
        assert_one_mail(held_mail, address, tasks)
    assert task_id not in deployment.run(RUN_AGAIN)


def test_a_task_whose_whole_worker_is_killed_twice_is_set_aside(
    deployment, held_mail, site, tasks, services
):
    """As platforms do to a worker that takes too much memory."""
    address, _ = sign_up(site, "greeted_never")
    for _ in range(2):
        with deployment.worker() as worker:
            wait_until(held_mail.is_receiving.is_set, "a mail on its way")
            worker.kill()
        wait_until(lambda: not held_mail.is_receiving.is_set(), "the end of the connection")
        services.valkey.age_tasks()  # instead of waiting for 15 minutes
    with deployment.worker() as worker:
        assert id_of_set_aside(worker)
        wait_until(lambda: not tasks(), "the end of the task")
    assert held_mail.sent_to(address) == []


def test_two_deliveries_of_a_task_at_once_send_one_mail(deployment, held_mail, site, tasks):
    with deployment.worker():
        address, _ = sign_up(site, "greeted_at_once")
        wait_until(held_mail.is_receiving.is_set, "the mail of the first delivery")
        deployment.run_script("""
from users.models import User
from welcome.tasks import send_welcome
send_welcome.delay(User.objects.get(username="greeted_at_once").pk)
""")
        wait_until(lambda: tasks() == 1, "the end of the second delivery")
        held_mail.is_held = False
        assert_one_mail(held_mail, address, tasks)
