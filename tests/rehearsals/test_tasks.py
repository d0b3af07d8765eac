"""Every combination with Celery has a worker that sends a mail: four in
tests/features/test_worker.py, the others here. Deployments and crashes lose no task, and it is done
once: that depends neither on the platform, whose command for the worker is the same, nor on the web
server, so one combination is enough.
"""

import re
import shutil
import signal
import time
from dataclasses import replace
from functools import partial

import pytest

from rehearse.platforms import Heroku
from tests.harness.checkouts import Checkout
from tests.harness.combinations import by_name, for_combinations
from tests.harness.waiting import wait_until
from tests.harness.worker import (
    EVERYDAY,
    WITH_CELERY,
    events,
    sign_up,
    wait_for_end,
    worker_with_one_mail,
)

REDIS_CONNECTIONS = 20
MEGABYTES = 512
RUN_AGAIN = "python manage.py run_task_again"

once = for_combinations(by_name("digitalocean-wsgi-waitress-use_celery"))


@for_combinations([answers for answers in WITH_CELERY if answers not in EVERYDAY])
def test_a_worker_sends_a_mail_within_the_smallest_plans(deployment, site, services, mail, report):
    with worker_with_one_mail(deployment, site, services, mail) as (worker, _):
        megabytes = worker.memory()
        connections = sum(map(services.redis_connections, (worker, site.process)))
    report("worker MB", round(megabytes))
    report("Redis connections with a worker", connections)
    assert megabytes < MEGABYTES
    assert 0 < connections <= REDIS_CONNECTIONS


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


@once
def test_a_task_that_ends_soon_after_sigterm_is_not_done_again(deployment, held_mail, site, tasks):
    with deployment.worker() as worker:
        address, _ = sign_up(site, "greeted_late")
        wait_until(held_mail.is_receiving.is_set, "a mail on its way")
        worker.signal(signal.SIGTERM)
        wait_until(lambda: "Soft Shutdown" in worker.output(), "the soft shutdown", 30)
        held_mail.is_held = False
        wait_for_end(worker)
    assert tasks() == 0
    assert len(held_mail.sent_to(address)) == 1


@once
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


@once
def test_a_task_whose_process_is_killed_runs_again_at_once(deployment, held_mail, site, tasks):
    with deployment.worker() as worker:
        address, _ = sign_up(site, "greeted_again")
        kill_sender(worker, held_mail)
        held_mail.is_held = False
        assert_one_mail(held_mail, address, tasks)


@once
def test_a_task_whose_process_is_killed_twice_is_set_aside_until_it_is_run_again(
    deployment, held_mail, site, tasks
):
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


@once
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


LONG_TASK = """
import time
from celery import shared_task


@shared_task
def work():
    time.sleep(60)
"""
LIMITS = """
from config.celery import app
print("seconds:", app.conf.task_time_limit, app.conf.broker_transport_options["visibility_timeout"])
"""


@once
def test_the_longest_task_is_a_setting(deployment, services, tmp_path):
    """As README.md's table says: a low limit ends a task, and a high one keeps Redis waiting."""
    assert (
        "raise `TASK_TIME_LIMIT` in `config/settings.py`"
        in (deployment.platform.folder / "README.md").read_text()
    )
    ignored = shutil.ignore_patterns(".heroku", "__pycache__")
    folder = shutil.copytree(deployment.platform.folder, tmp_path / "my_site", ignore=ignored)
    platform = type(deployment.platform)(folder)
    changed = replace(deployment, platform=platform)
    owner, limit = Checkout(folder, {}), "TASK_TIME_LIMIT = {} "
    owner.write("pages/tasks.py", LONG_TASK)
    owner.replace("config/settings.py", limit.format(300), limit.format(3600))
    limit_of_task, limit_of_redis = changed.run_script(LIMITS).partition("seconds: ")[2].split()
    assert int(limit_of_task) == 3600 < int(limit_of_redis)
    owner.replace("config/settings.py", limit.format(3600), limit.format(5))
    services.valkey.flush()
    with changed.worker() as worker:
        changed.run_script("from pages.tasks import work; work.delay()")
        wait_until(lambda: "SoftTimeLimitExceeded" in worker.output(), "the end of the task")


@once
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
