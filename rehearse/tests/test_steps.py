"""Steps that judge a server, on servers of a few lines that do one thing wrong."""

import json
import re
import sys
import time
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from rehearse.platforms import AppPlatform, HealthCheck, Heroku, Platform
from rehearse.processes import Process, bare_environment, wait_for
from rehearse.services import free_port
from rehearse.steps import clients, deploys, health, idle
from rehearse.steps.workers import WORKER
from rehearse.web import NotUp, Web

PYTHON = Path(sys.prefix, "bin")
SERVER = """
import os, signal, socket, tempfile, threading, time
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path

{before}

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = {keep_alive}

    def do_GET(self):
        while self.path == "/" and Path("locked").exists():
            time.sleep(0.05)
        {get}

    def do_POST(self):
        {body}

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        {header}
        self.end_headers()

    def store(self, file):
        data = b""
        while not data.endswith((b"--\\r\\n", b"\\r\\n0\\r\\n\\r\\n")):
            data = self.rfile.read1(65536)
            file.write(data)

    def log_message(self, *arguments):
        pass

{kind}(("{host}", int({port})), Handler).serve_forever()
"""
USUAL = {
    "before": "",
    "get": "self.answer(200)",
    "host": "",
    "port": "os.environ['PORT']",
    "keep_alive": "60",
    "body": "self.answer(413); self.close_connection = True",
    "header": "pass",
    "kind": "ThreadingHTTPServer",
}


@pytest.fixture
def stage(tmp_path):
    """A function that starts a server of that kind, and returns a stage with it: on Heroku, or on App
    Platform as the ``service`` of a spec.
    """
    entered = []

    def start(
        command: str = "python server.py",
        service: dict | None = None,
        boot_seconds: float = 60,
        is_late: bool = False,
        variables: Mapping[str, str] = {},
        **changes: str,
    ) -> SimpleNamespace:
        folder = tmp_path / "project"
        (folder / ".do").mkdir(parents=True)
        (folder / "server.py").write_text(SERVER.format(**(USUAL | changes)))
        (folder / "Procfile").write_text(f"web: {command}")
        platform: Platform = Heroku(folder)
        if service is not None:
            spec = {"services": [{"name": "api", "run_command": command} | service]}
            (folder / ".do/app.yaml").write_text(json.dumps(spec))
            platform = AppPlatform(folder)
        platform.boot_seconds = boot_seconds
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        environment = bare_environment(PYTHON, folder) | {"TMPDIR": str(temporary)}
        web = Web(platform, {**environment, **variables})
        entered.append(web)
        if is_late:  # not by waiting: on a busy machine Python takes its time to start
            web.process.__enter__()
            wait_for(lambda: bool(web.process.listening_ports()), 60)
            web.boots(time.monotonic() - boot_seconds - 1)
        web.__enter__()
        return SimpleNamespace(
            web=web,
            platform=web.platform,
            paths=["/"],
            temporary=temporary,
            idle=None,
            advice=lambda what, how: what,
            cookies={},
            close_web=web.process.kill,
        )

    yield start
    for web in entered:
        web.process.kill()


@pytest.mark.parametrize(
    ("changes", "status", "text"),
    [
        ({}, "ok", "answered after 1 s"),
        ({"keep_alive": "0.2"}, "fails", "closed after 0 s: the router keeps it for 90 s"),
        (
            {"keep_alive": "0.2", "header": "self.send_header('Connection', 'close')"},
            "ok",
            "closes each connection after its response",
        ),
    ],
)
def test_an_idle_connection_is_used_again(stage, changes, status, text):
    site = stage(**changes)
    site.idle = idle.IdleConnection(site.web, 1)
    found = idle.use_again(site)
    assert (found.status, text in found.text) == (status, True), found
    assert not site.web.process.is_running()


def test_an_end_of_the_process_is_not_taken_for_the_server_s_end_of_a_connection(stage):
    site = stage()
    site.idle = idle.IdleConnection(site.web, 60)
    site.web.process.kill()
    assert idle.use_again(site).text == "the web process ended meanwhile"


TO_DISK = "self.store(tempfile.TemporaryFile())"
TO_NAMED_FILE = "self.store(tempfile.NamedTemporaryFile())"
TO_MEMORY = "import io; kept = io.BytesIO(); self.store(kept); time.sleep(0.5)"


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (USUAL["body"], "ok", r"413 after \d MB, \d MB of memory, 0 MB on disk"),
        (f"{TO_DISK}; self.answer(413)", "ok", r"413 after 100 MB, .* \d\d+ MB on disk"),
        (f"{TO_NAMED_FILE}; self.answer(413)", "ok", r"413 after 100 MB, .* \d\d+ MB on disk"),
        (f"{TO_DISK}; self.answer(403)", "fails", "all 100 MB taken, then 403: no limit"),
        (f"{TO_DISK}; self.close_connection = True", "fails", "then closed: no limit"),
        (f"{TO_MEMORY}; self.answer(413)", "fails", r"413 after 100 MB, \d{2,} MB of memory"),
        ("os._exit(1)", "fails", "the web process ended"),
    ],
)
def test_a_large_body_is_refused_without_memory(stage, body, status, text):
    found = clients.large_body(stage(body=body))
    assert found.status == status, found
    assert re.search(text, found.text), found.text


@pytest.mark.parametrize(
    ("kind", "failures", "status", "text"),
    [
        ("ThreadingHTTPServer", 2, "ok", "3 of 3 answered beside 5 requests"),
        ("HTTPServer", 9, "ok", "no answer beside 5 requests .*; Heroku allows 81 s of that"),
        ("HTTPServer", 3, "fails", "no answer beside 5 requests .*: after 21 s Heroku sends no"),
    ],
)
def test_a_health_check_is_answered_while_pages_wait(
    stage, monkeypatch, kind, failures, status, text
):
    site = stage(kind=kind)
    lock = site.platform.folder / "locked"

    @contextmanager
    def all_locked(database):
        lock.touch()
        yield
        lock.unlink()

    for name, value in {"CLIENTS": 8, "STEADY_SECONDS": 0.3, "MOST_SECONDS": 0.3}.items():
        monkeypatch.setattr(health, name, value)
    site.platform.health_check = lambda: HealthCheck("/healthz", 10, 1, failures)
    site.services = SimpleNamespace(
        postgres=SimpleNamespace(all_locked=all_locked, held_up=lambda database: 5)
    )
    site.client = lambda web, seconds: web.client(seconds=seconds)
    found = health.check_health(site)
    assert found.status == status, found
    assert re.search(text, found.text), found.text


METRICS = "metrics = socket.create_server(('127.0.0.1', 0))"
CHECK = {"http_path": "/up", "timeout_seconds": 5}
# Another answer to each of the first requests than to the later ones.
WARM = "self.answer(503 if time.monotonic() < started + 1 else 200)"
# Servers that a platform takes for up; App Platform's have a service's keys.
BOOTS: dict[str, dict] = {
    "a builtin of the shell": {"command": "exec python server.py"},
    "a variable before the program": {"command": "A=1 python server.py"},
    "several lines": {"command": "true\npython server.py", "service": {}},
    "another port, open at once": {"before": f"{METRICS}\ntime.sleep(2)"},
    "an answer after 1.5 s": {"get": "time.sleep(1.5); self.answer(200)"},
    "an error, on Heroku": {"get": "self.answer(500)"},
    "the default port in the command": {
        "command": "python server.py 0.0.0.0:8080",
        "port": "__import__('sys').argv[1].rpartition(':')[2]",
        "service": {},
    },
    "PORT on App Platform": {"service": {"http_port": 8080}, "variables": {"PORT": "8080"}},
    "a check that is answered after a while": {
        "service": {"health_check": CHECK},
        "before": "started = time.monotonic()",
        "get": WARM,
    },
    "a check that is redirected": {"service": {"health_check": CHECK}, "get": "self.answer(302)"},
}


@pytest.mark.parametrize("changes", BOOTS.values(), ids=BOOTS)
def test_a_server_is_up_once_its_platform_says_so(stage, changes):
    assert stage(**changes).web.boot_status


ELSEWHERE = {"port": "0", "is_late": True}
NOT_UP: list[tuple[dict, str]] = [
    (ELSEWHERE, r"listens on port \d+, not on \$PORT"),
    (ELSEWHERE | {"service": {}}, r"listens on port \d+, not on http_port 8080"),
    (
        {"service": {}, "variables": {"PORT": "0"}, "is_late": True},
        r"listens on port \d+, not on http_port 8080",
    ),
    ({"host": "127.0.0.1"}, r"listens at 127\.0\.0\.1:\d+, where no router can come"),
    ({"before": "time.sleep(60)", "boot_seconds": 1}, r"nothing listens on \$PORT within 1 s"),
    (
        {"service": {"health_check": CHECK}, "get": "self.answer(404)"},
        r"/up answers 404: App Platform's health check takes 200 to 399",
    ),
    (
        {"service": {"health_check": CHECK}, "get": "self.answer(503)", "is_late": True},
        r"/up answers 503: App Platform's health check takes 200 to 399",
    ),
    (
        {
            "service": {"health_check": {"http_path": "/up", "timeout_seconds": 1}},
            "get": "time.sleep(2); self.answer(200)",
            "is_late": True,
        },
        r"listens, but /up has no answer within 1 s",
    ),
]


@pytest.mark.parametrize(("changes", "reason"), NOT_UP)
def test_a_server_that_is_not_up_is_told_what_the_platform_waited_for(stage, changes, reason):
    with pytest.raises(NotUp) as failure:
        stage(**changes)
    assert re.fullmatch(reason, failure.value.reason)


def test_a_server_at_http_port_whatever_port_says_is_found_and_has_no_second(stage):
    port = free_port()
    site = stage(port=str(port), service={"http_port": port})
    assert (site.web.port, site.web.is_alone) == (port, True)
    assert "not tried" in deploys.deploy(site).text


STOPS = """
def stop(*_):
    threading.Thread(target=lambda: (time.sleep(1), os._exit(0))).start()
signal.signal(signal.SIGTERM, stop)
"""


@pytest.mark.parametrize("page", ["pass", "time.sleep(0.2)"])
@pytest.mark.parametrize(("before", "status"), [("", "fails"), (STOPS, "ok")])
def test_sigterm_meets_requests_in_flight_and_judges_alike_each_time(stage, before, status, page):
    found = deploys.stop(stage(before=before, get=f"{page}; self.answer(200)"))
    assert found.figures["in_flight"] > 0
    assert found.status == status, found


def test_a_process_that_ends_while_it_is_read_is_left_out(tmp_path):
    command = "for n in $(seq 900); do (exit) & (exit) & done; sleep 60"
    folder = tmp_path / "project"
    folder.mkdir()
    with Process(command, folder, bare_environment(PYTHON, folder), grace=0) as process:
        for _ in range(25):
            assert process.memory() >= 0
            assert process.listening_ports() == set()
            assert process.connections_to(1) == 0
    assert (process.memory(), process.cpu_seconds()) == (0, 0)


@pytest.mark.parametrize(
    ("command", "is_worker"),
    [
        ("celery -A site worker", True),
        ("celery -A worker worker --concurrency 1", True),
        ("celery --app=site.celery:app -b redis://x --no-color worker -l info", True),
        ('bash -c "cd src && exec celery -A tasks worker | tee log"', True),
        ("python -m celery --app worker worker", True),
        ("celery -A worker beat", False),
        ("celery -Aworker flower", False),
        ("celery --app worker beat", False),
        ("python worker.py", False),
    ],
)
def test_a_worker_of_celery_is_known_as_celery_reads_its_command(command, is_worker):
    assert bool(WORKER.search(command)) is is_worker
