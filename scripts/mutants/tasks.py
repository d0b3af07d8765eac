"""Mutants of the rows about Celery's tasks, and of the mail that one sends."""

from scripts.mutants.row import PROJECT, WSGI_GUNICORN, by_project, by_template

CELERY = "paas/celery.py"
LOST = "paas/lost_tasks.py"
TASKS = "welcome/tasks.py"
PERIODIC_TASKS = "paas/periodic.py"
# Tests of the worker run in the last combination of each platform with Celery.
WITH_CELERY = "digitalocean-wsgi-waitress-use_celery"

INTERRUPTED = "a task that a deployment or a crash interrupts runs again"
ENDS_SOON = "a task that ends soon after SIGTERM does not"
SET_ASIDE = "a task that ends two workers is set aside, and can be run again"
PERIODIC = "periodic tasks run, however often the project is deployed"
ONCE = (
    "with several workers a periodic task runs once per period, also after one is killed or Redis is"
    " flushed"
)
ONE_MAIL = "two deliveries of a task at once send one mail"
NO_MAIL_LOST = "no mail lost with its task, and none that keeps anyone from signing up"
MAILBOX = "no mailbox filled by a stranger who signs up again and again"
NO_MAIL_SERVER = "no mail server is told, and stops nothing"
REQUEST_ID = "the same id in the lines of sockets and tasks"

TWO_DEPLOYS = "test_worker.py::test_a_task_that_two_deploys_cut_short_is_done_by_the_next_worker"
KILLED = "test_worker.py::test_a_task_whose_process_is_killed_runs_again_at_once"
MAIL_FAILS = "a mail server that hangs, refuses or disconnects is logged, and no page fails"

MUTANTS = (
    by_project(
        MAIL_FAILS,
        "paas/mail.py",
        "except OSError as error:",
        "except ArithmeticError as error:",
        "paas/tests/test_mail.py::test_a_mail_server_that_hangs_or_refuses_is_logged_and_raises_nothing",
    ),
    by_template(
        INTERRUPTED,
        f"{PROJECT}/{CELERY}",
        "task_acks_late = True",
        "task_acks_late = False",
        TWO_DEPLOYS,
        answers=WITH_CELERY,
    ),
    by_template(
        INTERRUPTED,
        f"{PROJECT}/{CELERY}",
        "task_reject_on_worker_lost = True",
        "task_reject_on_worker_lost = False",
        KILLED,
        answers=WITH_CELERY,
    ),
    by_template(
        ENDS_SOON,
        f"{PROJECT}/{CELERY}",
        "worker_soft_shutdown_timeout = 20",
        "worker_soft_shutdown_timeout = 0",
        "test_worker.py::test_a_task_that_ends_soon_after_sigterm_is_not_done_again",
        answers=WITH_CELERY,
    ),
    by_project(
        SET_ASIDE,
        LOST,
        "if unfinished.losses < MAX_LOSSES:",
        "if True:",
        "paas/tests/test_lost_tasks.py::test_a_task_that_lost_two_workers_is_set_aside_until_it_is_run_again",
    ),
    by_project(
        SET_ASIDE,
        LOST,
        "state is None or isinstance(retval, MemoryError)",
        "state is None",
        "paas/tests/test_lost_tasks.py::test_a_task_that_raises_memory_error_counts_as_lost",
    ),
    by_project(
        PERIODIC,
        PERIODIC_TASKS,
        "self.schedule[row.name].last_run_at = row.last_run_at",
        "pass",
        "paas/tests/test_periodic.py::test_restarts_do_not_put_a_task_off",
    ),
    by_project(
        ONCE,
        PERIODIC_TASKS,
        "if stored.is_due().is_due:",
        "if True:",
        "paas/tests/test_periodic.py::test_of_several_workers_one_sends_a_task",
    ),
    by_template(
        ONCE,
        f"{PROJECT}/{PERIODIC_TASKS}",
        ".select_for_update()",
        "",
        "test_periodic_tasks.py::test_two_workers_run_a_periodic_task_once_per_period",
        answers=WSGI_GUNICORN,
    ),
    by_template(
        ONCE,
        f"{PROJECT}/{CELERY}",
        '"paas.periodic:OnceScheduler"',
        '"celery.beat:Scheduler"',
        "test_periodic_tasks.py::test_two_workers_run_a_periodic_task_once_per_period",
        answers=WSGI_GUNICORN,
    ),
    by_project(
        ONCE,
        PERIODIC_TASKS,
        "        except Exception:\n",
        "        except ArithmeticError:\n",
        "paas/tests/test_periodic.py::test_a_task_that_cannot_be_sent_is_tried_again",
    ),
    by_project(
        ONCE,
        PERIODIC_TASKS,
        "except DatabaseError as error:",
        "except ArithmeticError as error:",
        "paas/tests/test_periodic.py::test_a_worker_starts_without_a_database_and_tries_again",
    ),
    by_template(
        ONE_MAIL,
        f"{PROJECT}/{TASKS}",
        '.select_for_update(skip_locked=True, of=("self",))',
        "",
        "test_worker.py::test_two_deliveries_of_a_task_at_once_send_one_mail",
        answers=WITH_CELERY,
    ),
    by_project(
        NO_MAIL_LOST,
        TASKS,
        "send_welcome.apply_async([user_id], expires=3600)",
        "pass",
        "tests/test_welcome.py::test_missed_mails_are_sent_to_users_of_the_last_day",
    ),
    by_project(
        NO_MAIL_LOST,
        "welcome/signals.py",
        ", robust=True",
        "",
        "tests/test_welcome.py::test_signing_up_works_while_redis_is_unavailable",
    ),
    by_project(
        MAILBOX,
        TASKS,
        "return all(welcome.sent_at is None or welcome.sent_at < since for welcome in welcomes)",
        "return True",
        "tests/test_welcome.py::test_an_e_mail_address_of_several_users_gets_one_mail_a_day",
    ),
    by_project(
        NO_MAIL_SERVER,
        "paas/mail_checks.py",
        "if not settings.MAILERS:",
        "if False:",
        "paas/tests/test_mail.py::test_the_deploy_check_reports_what_e_mail_lacks",
    ),
    by_template(
        REQUEST_ID,
        f"{PROJECT}/paas/task_log.py",
        'headers["request_id"] = request_id',
        "pass",
        "test_worker.py::test_the_line_of_a_task_has_the_id_of_the_request_that_queued_it",
        answers=WITH_CELERY,
    ),
)
