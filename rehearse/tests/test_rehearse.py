"""``rehearse``, as its user runs it: a new project of each server on each platform passes, and each of
many faults is named by its step.
"""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from rehearse.steps import STEPS
from tests.harness.combinations import TEMPLATE, by_name, is_asgi, name_of
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.rehearsal

PROJECTS = Path(__file__).with_name("projects")
# Each server on each platform. Only the first four have their connection idle for more than a minute:
# a server keeps it for as long on either platform.
NEW = by_name(
    "heroku-asgi-daphne",
    "digitalocean-asgi-uvicorn-use_celery",
    "heroku-wsgi-gunicorn-use_celery",
    "digitalocean-wsgi-waitress",
)
NEW_TOO = by_name(
    "digitalocean-asgi-daphne-use_celery",
    "heroku-asgi-uvicorn",
    "digitalocean-wsgi-gunicorn",
    "heroku-wsgi-waitress-use_celery",
)
[DEFAULT], [WITH_CELERY] = map(by_name, ("heroku-asgi-daphne", "heroku-asgi-daphne-use_celery"))
IDLE = "idle connection"
# The most of each figure. Connections are half of the smallest plan's, as a deployment has two
# processes and a command needs some; an instance has 512 MB; Heroku's SIGKILL comes after 30 s.
MOST = {
    "boot": {"megabytes": 512},
    "load": {"connections": 9, "megabytes": 512},
    "deployment": {"lost": 0},
    "SIGTERM": {"stop_s": 30},
    "large body": {"memory_megabytes": 20, "disk_megabytes": 20},
    "health check": {"waiting": 9},
    "PostgreSQL": {"recovery_s": 5},
    "Redis": {"recovery_s": 5},
    "worker stopped": {"stop_s": 30, "megabytes": 512},
}
# All but the one that waits for more than a minute.
SHORT = [word for step in STEPS if step.name != IDLE for word in ("--only", step.name)]


class Run(NamedTuple):
    status: int
    printed: str
    report: dict

    def steps(self, status: str) -> list[str]:
        return [step["name"] for step in self.report["steps"] if step["status"] == status]

    def step(self, name: str) -> dict:
        return next(step for step in self.report["steps"] if step["name"] == name)

    def text(self, name: str) -> str:
        return self.step(name)["text"]


def rehearse(folder: Path, *arguments: str) -> Run:
    report = folder.parent / f"{folder.name}.json"
    command = [sys.executable, "-m", "rehearse", str(folder), "--json", str(report), *arguments]
    done = subprocess.run(
        command, cwd=TEMPLATE, check=False, capture_output=True, text=True, timeout=900
    )
    found = json.loads(report.read_text()) if report.exists() else {}
    return Run(done.returncode, done.stdout + done.stderr, found)


@pytest.fixture(scope="session")
def bake_once(cookies_session):
    baked: dict[str, Path] = {}

    def bake(answers: dict) -> Path:
        key = str(answers)
        if key not in baked:
            baked[key] = cookies_session.bake(extra_context=answers).project_path
        return baked[key]

    return bake


@pytest.fixture
def bake(bake_once, tmp_path):
    """A function that returns a copy of the project with these answers, to be edited."""

    def copy(answers: dict) -> Path:
        return shutil.copytree(bake_once(answers), tmp_path / "project")

    return copy


def expected_steps(answers: dict) -> list[str]:
    left_out = {"other processes"}
    left_out |= set() if answers["use_celery"] else {"worker stopped", "worker killed"}
    left_out |= {"health check"} if answers["platform"] == "heroku" else set()
    left_out |= {IDLE} if answers in NEW_TOO else set()
    if not is_asgi(answers):
        left_out |= {"channel layer"} | (set() if answers["use_celery"] else {"Redis"})
    return [step.name for step in STEPS if step.name not in left_out]


@pytest.mark.parametrize("answers", [*NEW, *NEW_TOO], ids=name_of)
def test_a_new_project_passes_every_step_and_stays_within_the_smallest_plans(bake, answers, report):
    run = rehearse(bake(answers), *(SHORT if answers in NEW_TOO else []))
    report("rehearsal s", round(run.report["seconds"]))
    assert run.status == 0, run.printed
    assert run.steps("ok") == expected_steps(answers), run.printed
    for step in expected_steps(answers):
        for name, most in MOST.get(step, {}).items():
            assert run.step(step)["figures"][name] <= most, (step, name, run.printed)
    in_flight = run.step("SIGTERM")["figures"]
    assert in_flight["answered"] == in_flight["in_flight"] > 0
    if answers["use_celery"]:
        # SIGTERM leaves a task of 3 s the time to end.
        assert "the task ran once" in run.text("worker stopped")


def edit(path: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, path.read_text(), flags=re.MULTILINE)
    assert count, f"{path}: no {pattern}"
    path.write_text(text)


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def set_variables(folder: Path, **values: str) -> None:
    manifest = json.loads((folder / "app.json").read_text())
    manifest["env"] |= {name: {"value": value} for name, value in values.items()}
    (folder / "app.json").write_text(json.dumps(manifest))


def add_a_view_of_40_seconds(folder: Path) -> None:
    view = "path('slow/', lambda request: __import__('time').sleep(40))"
    append(folder / "config/urls.py", f"\nfrom django.urls import path\nurlpatterns += [{view}]\n")


def ignore_sigterm(folder: Path) -> None:
    (folder / "stubborn.py").write_text("""
import runpy, signal, sys
set_handler = signal.signal
def ignore(number, handler):
    return set_handler(number, signal.SIG_IGN if number == signal.SIGTERM else handler)
signal.signal = ignore
ignore(signal.SIGTERM, None)
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
""")
    edit(folder / "Procfile", "^web: (python -m )?", "web: python stubborn.py ")


def acknowledge_early(folder: Path) -> None:
    append(folder / "config/celery.py", "\napp.conf.task_acks_late = False\n")


def use_the_in_memory_channel_layer(folder: Path) -> None:
    # By another name: the checks of the template's projects refuse Channels' own.
    (folder / "config/layers.py").write_text("""
from channels.layers import InMemoryChannelLayer

class Layer(InMemoryChannelLayer):
    pass
""")
    layer = "{'default': {'BACKEND': 'config.layers.Layer'}}"
    append(folder / "config/settings.py", f"\nCHANNEL_LAYERS = {layer}\n")


def take_any_body(folder: Path) -> None:
    set_variables(folder, MAX_BODY_SIZE="10000000000")


def open_100_connections(folder: Path) -> None:
    set_variables(folder, WEB_THREADS="98", DATABASE_CONNECTION_LIMIT="200")


def wait_for_a_lock_in_a_migration(folder: Path) -> None:
    (folder / "users/migrations/0002_note.py").write_text("""
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("users", "0001_initial")]
    operations = [
        migrations.RunSQL("SET lock_timeout = 0"),
        migrations.RunSQL("ALTER TABLE users_user ADD COLUMN note text"),
    ]
""")


def leave_out_the_server(folder: Path) -> None:
    edit(folder / "requirements.txt", "^daphne==.*\n", "")


def listen_on_8000(folder: Path) -> None:
    edit(folder / "Procfile", r"\$PORT", "8000")


# Each fault, the step that names it, and a part of what that says.
FAULTS = [
    (add_a_view_of_40_seconds, "load", r"/slow/ took more than .*H12"),
    (open_100_connections, "load", r"\d\d PostgreSQL connections, of 20"),
    (ignore_sigterm, "SIGTERM", "still runs 30 s after SIGTERM"),
    (take_any_body, "large body", "no limit"),
    (wait_for_a_lock_in_a_migration, "release", "waits for a lock"),
    (use_the_in_memory_channel_layer, "channel layer", "does not reach another"),
    (acknowledge_early, "worker killed", "is lost"),
]
# Without a release or a web process there is nothing more to see.
FATAL_FAULTS = [
    (leave_out_the_server, "boot", "it ended after"),
    (listen_on_8000, "boot", r"listens on port 8000, not on \$PORT"),
]


def test_each_fault_is_named_by_its_step_and_no_other_step_fails(bake):
    folder = bake(WITH_CELERY)
    for plant, _, _ in FAULTS:
        plant(folder)
    run = rehearse(folder, *SHORT, "--path", "/", "--path", "/slow/")
    assert run.status == 1, run.printed
    assert set(run.steps("fails")) == {step for _, step, _ in FAULTS}, run.printed
    for _, step, text in FAULTS:
        assert re.search(text, run.text(step)), run.printed
    assert run.steps("not run") == [], run.printed


@pytest.mark.parametrize(("plant", "step", "text"), FATAL_FAULTS)
def test_a_fault_that_keeps_a_release_from_going_live_ends_the_rehearsal(bake, plant, step, text):
    folder = bake(DEFAULT)
    plant(folder)
    run = rehearse(folder, *SHORT)
    assert run.status == 1, run.printed
    assert run.steps("fails") == [step], run.printed
    assert re.search(text, run.text(step)), run.printed
    assert run.steps("not run"), run.printed


WSGI = {
    "Procfile": "web: gunicorn app:app\n",
    "requirements.txt": "gunicorn\n",
    "app.py": """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
""",
}
BROKEN = {"app.py": WSGI["app.py"].replace("200 OK", "500 Internal Server Error")}
WORKER = {"Procfile": "web: gunicorn app:app\nworker: celery -A worker worker -c 1\n"}
WORKER |= {"requirements.txt": "gunicorn\ncelery[redis]\n"}
CELERY = """
import os
from celery import Celery

app = Celery("x", broker=os.environ.get("MY_BROKER", "redis://localhost:6379/0"))
app.conf.task_acks_late = True
"""
IN_SHELL = WORKER["Procfile"].replace(
    "celery -A worker worker -c 1", "bash -c 'celery -A worker worker -c 1'"
)
OURS = ["--set", "MY_BROKER=$REDIS_URL?ssl_cert_reqs=none"]
DJANGO = """
import sys
from django.conf import settings
from django.http import HttpResponse
from django.urls import path
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.contrib.auth import get_user_model
import dj_database_url

settings.configure(
    SECRET_KEY="x",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    DATABASES={"default": dj_database_url.config()},
)
app = get_wsgi_application()
urlpatterns = [path("", lambda request: HttpResponse(str(get_user_model().objects.count())))]
if __name__ == "__main__":
    execute_from_command_line(sys.argv)
"""
# Changes to WSGI, arguments, and the status and the text or advice of steps.
KINDS: dict[str, tuple[dict[str, str], list[str], dict[str, tuple[str, str]]]] = {
    "every page is an error": (
        BROKEN,
        [],
        {"load": ("fails", "every page fails: / is 500"), "headers": ("not run", "")},
    ),
    "no command migrates": (
        {"requirements.txt": "gunicorn\ndjango\ndj-database-url\npsycopg[binary]\n"}
        | {"manage.py": DJANGO, "Procfile": "web: gunicorn manage:app\n"}
        | {"app.json": '{"env": {"DISABLE_COLLECTSTATIC": "1"}, "addons": ["heroku-postgresql"]}'},
        [],
        {"load": ("fails", "release: python manage.py migrate"), "PostgreSQL": ("not run", "")},
    ),
    "a worker that ends": (
        {"Procfile": WSGI["Procfile"] + "worker: python no_file.py\nclock: sleep 60\n"},
        ["--only", "other processes"],
        {"other processes": ("fails", "^worker ends with status 2$")},
    ),
    "workers that are replaced": (
        {"Procfile": "web: gunicorn app:app --workers 4 --max-requests 20"},
        ["--only", "load", "--only", "large body"],
        {"load": ("ok", "pages/s")},
    ),
    "pages without the database": (
        {"requirements.txt": "gunicorn\npsycopg[binary]\n"},
        ["--only", "PostgreSQL"],
        {"PostgreSQL": ("ok", "none of the pages asked for needs it")},
    ),
    "another broker": (
        WORKER | {"worker.py": CELERY},
        ["--only", "worker stopped", "--only", "worker killed"],
        {
            "worker stopped": ("fails", r"--set 'MY_BROKER=\$REDIS_URL\?ssl_cert_reqs=none'"),
            "worker killed": ("not run", ""),
        },
    ),
    "a worker that loses tasks": (
        WORKER | {"worker.py": CELERY},
        ["--only", "worker stopped", *OURS],
        {"worker stopped": ("fails", "task_acks_late and task_reject_on_worker_lost to True")},
    ),
    "a worker that follows the advice": (
        WORKER
        | {
            "worker.py": f"{CELERY}app.conf.task_reject_on_worker_lost = True\n",
            "Procfile": IN_SHELL,
        },
        ["--only", "worker stopped", "--only", "worker killed", *OURS],
        {"worker stopped": ("ok", "ran again"), "worker killed": ("ok", "ran again")},
    ),
}


@pytest.mark.parametrize(("changes", "arguments", "expected"), KINDS.values(), ids=KINDS)
def test_a_project_of_a_few_lines_gets_the_verdict_of_its_kind(
    tmp_path, changes, arguments, expected
):
    folder = tmp_path / "project"
    folder.mkdir()
    for name, text in (WSGI | changes).items():
        (folder / name).write_text(text)
    run = rehearse(folder, *arguments)
    for name, (status, text) in expected.items():
        step = run.step(name)
        assert step["status"] == status, run.printed
        assert any(re.search(text, one) for one in [step["text"], *step["advice"]]), run.printed
    assert "Traceback (most recent call last):\n  File" not in run.printed.partition("\n\n")[0]


def test_an_application_of_twenty_lines_is_rehearsed_to_its_end(tmp_path):
    folder = shutil.copytree(PROJECTS / "fastapi", tmp_path / "fastapi")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    page = tmp_path / "report.html"
    run = rehearse(folder, "--html", str(page))
    assert run.steps("not run") == []
    # It does not redirect to https, and Uvicorn closes an idle connection after 5 s.
    assert run.steps("fails") == ["headers", IDLE], run.printed
    assert "HTTPSRedirectMiddleware" in str(run.step("headers")["advice"])
    assert "<svg" in page.read_text()
    assert not re.search(r"src=|href=|url\(|@import|<script", page.read_text())
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


STARLETTE = """
from starlette.middleware.httpsredirect import HTTPSRedirectMiddleware

app.add_middleware(HTTPSRedirectMiddleware)

@app.middleware("http")
async def add_header(request, call_next):
    response = await call_next(request)
    response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response
"""
FLASK = """
from flask import redirect

@app.before_request
def to_https():
    if request.headers.get("X-Forwarded-Proto") == "http":
        return redirect(request.url.replace("http:", "https:", 1))

@app.after_request
def add_header(response):
    response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response
"""


def test_the_advice_mends_what_fastapi_and_uvicorn_s_defaults_lack(tmp_path):
    folder = shutil.copytree(PROJECTS / "fastapi", tmp_path / "fastapi")
    append(folder / "app.py", STARLETTE)
    edit(folder / "Procfile", "--host", "--timeout-keep-alive 95 --forwarded-allow-ips='*' --host")
    run = rehearse(folder, "--only", "headers", "--only", IDLE)
    assert run.status == 0, run.printed


def mend(folder: Path) -> None:
    """What the advice of the steps says."""
    spec = folder / ".do/app.yaml"
    edit(spec, "--threads 4", "--worker-class gevent --keep-alive 95")
    edit(spec, "failure_threshold: 3", "failure_threshold: 9")
    edit(spec, "^envs:", "envs:\n  - {key: MAX_CONTENT_LENGTH, value: '5000000'}")
    # Gunicorn 27 imports packaging for this class, and does not require it.
    edit(folder / "requirements.txt", "gunicorn", "gevent\npackaging\ngunicorn")
    append(folder / "app.py", FLASK)


@pytest.mark.parametrize("is_mended", [False, True], ids=["defaults", "mended"])
def test_the_advice_mends_what_gunicorn_s_defaults_lack(tmp_path, is_mended):
    folder = shutil.copytree(PROJECTS / "gunicorn", tmp_path / "gunicorn")
    if is_mended:
        mend(folder)
    steps = ["slow clients", "large body", "health check", "headers", IDLE]
    run = rehearse(folder, *[word for step in steps for word in ("--only", step)])
    found = {step: run.text(step) for step in run.steps("ok" if is_mended else "fails")}
    assert set(steps) <= set(found), run.printed
    expected = {
        "slow clients": "a page in" if is_mended else "page after",
        "large body": "413 after" if is_mended else "all 100 MB taken, then 200: no limit",
        "health check": "" if is_mended else "after 21 s App Platform",
        "headers": "https redirect" if is_mended else "plain HTTP is not redirected",
        IDLE: "answered after 75 s" if is_mended else "closed after 2 s",
    }
    for step, text in expected.items():
        assert text in found[step], run.printed


# Those that start processes, threads or servers of their own.
INTERRUPTED = ("build", "release", "deployment", "worker killed", IDLE)


def test_ctrl_c_leaves_nothing_behind(bake):
    """Of the process, which has its number in the name of its folder, and of all it started."""
    folder = bake(WITH_CELERY)
    before = set(folder.rglob("*"))
    for number, step in enumerate(STEPS):
        if step.name not in INTERRUPTED:
            continue
        # A needed step begins when the one before it has ended, others after the last of those.
        needed = [one.name for one in STEPS[:number] if one.is_needed]
        own = interrupt(folder, step.name, f" {needed[-1]} " if needed else "Heroku")
        assert list(Path("/tmp").glob(f"rehearse-{own}-*")) == []
    assert set(folder.rglob("*")) == before


def interrupt(folder: Path, step: str, begins_after: str) -> int:
    """Rehearse the step, and send SIGINT while it runs: after the line that begins with that text.

    Returns the process id, and asserts that no process that it started is left.
    """
    command = [sys.executable, "-u", "-m", "rehearse", str(folder), "--only", step]
    # For a step that ends sooner than a signal comes.
    command += ["--only", "worker killed"]
    with subprocess.Popen(command, cwd=TEMPLATE, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith(begins_after):
                break
        time.sleep(0.5)
        started = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130, step
    wait_until(lambda: not any(map(is_alive, started)), f"the end of {started} of {step}", 10)
    return process.pid


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
