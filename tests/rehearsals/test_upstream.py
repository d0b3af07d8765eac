"""Faults that docs/upstream.md reports are still there; upstream's own tests pass with our classes."""

import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from rehearse.processes import CommandFailed, bare_environment, run
from rehearse.services import free_port
from tests.harness.combinations import PACKAGE, TEMPLATE
from tests.harness.locked import locked

SCRIPTS = TEMPLATE / "tests/upstream"
# | [script.py](...) | the fault | known as | our workaround |
ROW = re.compile(r"^\| \[(\w+\.py)\]\(\S+\) \|.*\| (.+) \|$", re.MULTILINE)
WORKAROUNDS = dict(ROW.findall((TEMPLATE / "docs/upstream.md").read_text()))
SUITES = Path(__file__).with_name("suites")


def test_each_report_has_a_script():
    assert sorted(WORKAROUNDS) == sorted(script.name for script in SCRIPTS.glob("*_*.py"))


@pytest.mark.parametrize("script", WORKAROUNDS)
def test_reported_fault_is_still_there(script, locked_programs, tmp_path):
    environment = bare_environment(locked_programs, tmp_path) | {"PORT": str(free_port())}
    try:
        run(f"python -B {SCRIPTS / script}", tmp_path, environment)
    except CommandFailed as failure:
        # Else the script itself is broken.
        assert str(failure).splitlines()[-1].startswith("AssertionError: "), failure
    else:
        pytest.fail(f"fixed upstream: withdraw the report. Our workaround: {WORKAROUNDS[script]}")


def download(name: str, folder: Path) -> Path:
    """Download the source of the package's locked version, which has its tests; return the folder."""
    [version] = [line for line in locked() if line.startswith(f"{name}==")]
    options = ["--quiet", "--no-deps", "--no-binary=:all:", f"--dest={folder}"]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, version], check=True)
    [archive] = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


@pytest.fixture
def run_suite(locked_programs, tmp_path):
    """A function that runs a command with all locked packages and the folder ``suites``."""
    path = {"PYTHONPATH": f"{PACKAGE / 'src'}:{SUITES}", "PYTHONDONTWRITEBYTECODE": "1"}
    environment = bare_environment(locked_programs, tmp_path) | path
    return lambda command, folder, **variables: run(command, folder, environment | variables)


DJANGO = "asgi handlers requests_tests async signals middleware"


def test_suites_of_django_pass_with_our_handler(run_suite, tmp_path):
    folder = download("django", tmp_path) / "tests"
    run_suite(f"python {SUITES / 'our_handler.py'} runtests.py --parallel=1 {DJANGO}", folder)


def test_suite_of_channels_redis_passes_with_our_layer(run_suite, tmp_path, services):
    folder, url = download("channels-redis", tmp_path), services.valkey.url()
    test = folder / "tests/test_pubsub.py"
    test.write_text(test.read_text().replace("redis://localhost:6379", url))
    run_suite(f"python -m pytest -p our_layer {test}", folder, REDIS_URL=url)


# Tests of each suite that are meant to fail, by their beginnings, and why.
ALLAUTH_DIFFERS = {
    "the account's own address is replaced, not deleted": [
        "account/test_change_email.py::test_remove_email[login_methods5-",
        "account/test_change_email.py::test_remove_email[login_methods8-",
    ],
    "the owner of a confirmed address is told, instead of asked to confirm it": [
        "account/test_change_email.py::test_change_unverified_email_to_verified_email_of_other_user",
    ],
    "no response tells that the password of an inactive account was right": [
        "account/test_login.py::LoginTests::test_login_inactive_account",
    ],
    "logins are by the account's own address only": [
        "account/test_login.py::LoginTests::test_login_using_unverified_email_address_is_prohibited",
    ],
    "by email address only, without confirmation, an address is taken once": [
        "account/test_signup.py::test_prevent_enumeration_strictly",
    ],
    "a check names the setting: phone numbers, and user models without an address": [
        "account/test_phone.py::test_login_with_verified_phone_and_password",
        "account/test_phone.py::test_login_with_unverified_phone_and_password",
        "account/test_signup.py::test_signup_user_model_no_email",
    ],
    "no message says that one has logged in": ["account/test_utils.py::test_message_escaping"],
    "/accounts/ is the page of the account": [
        "account/test_middleware.py::test_accounts_redirect",
    ],
    "redirects stay on this host, not in ALLOWED_HOSTS": [
        "account/test_utils.py::test_is_safe_url",
    ],
}
AXES_DIFFERS = {
    "the limits are LOCKOUT_*, and a check names axes' own": [
        "test_login.py::DatabaseLoginTestCase::test_lockout_by_",
        "test_login.py::DatabaseLoginTestCase::test_login_during_lockout_does_reset_cool_off_time",
    ],
    "paas.accounts.lockout.Backend is axes' backend too": [
        "test_checks.py::BackendCheckTestCase::test_backend_missing",
    ],
    "authenticate() notes the name, so that no form is read for it": [
        "test_helpers.py::UsernameTestCase::test_default_get_client_username",
    ],
    "not ours: axes' handler in the cache": ["test_login.py::CacheLoginTestCase"],
}


def deselect(differs: dict[str, list[str]], folder: str) -> str:
    return " ".join(f"--deselect={folder}/{each}" for names in differs.values() for each in names)


def test_suites_of_allauth_pass_with_our_accounts(run_suite, tmp_path):
    apps = "tests/apps/account tests/apps/mfa tests/apps/usersessions"
    options = f"--ds=our_allauth {deselect(ALLAUTH_DIFFERS, 'tests/apps')}"
    run_suite(f"python -m pytest {options} {apps}", download("django-allauth", tmp_path))


def test_suite_of_axes_passes_with_our_lockout(run_suite, tmp_path):
    options = f"--override-ini=addopts= --ds=our_axes {deselect(AXES_DIFFERS, 'tests')}"
    run_suite(f"python -m pytest {options} tests", download("django-axes", tmp_path))


BEAT = "t/unit/app/test_beat.py"
# The lines of its log differ, and ours asks for the last runs when it is made.
MEANT = [
    "test_Scheduler::test_apply_entry_handles_empty_result",
    "test_Scheduler::test_due_tick_SchedulingError",
    "test_Scheduler::test_ticks_schedule_change",
    "test_Service::test_start",  # of PersistentScheduler, no subclass of ours
]


def test_suite_of_celery_beat_passes_with_our_scheduler(run_suite, tmp_path):
    others = " ".join(f"--deselect={BEAT}::{name}" for name in MEANT)
    command = f"python -m pytest -p no:django -p our_scheduler {others} {BEAT}"
    run_suite(command, download("celery", tmp_path))
