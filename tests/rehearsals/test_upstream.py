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
