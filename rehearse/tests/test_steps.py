"""Steps that judge a server, on servers of a few lines that do one thing wrong."""

import re
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from rehearse.idle import IdleConnection
from rehearse.platforms import HealthCheck, Heroku
from rehearse.processes import bare_environment
from rehearse.steps import clients, health, idle
from rehearse.web import Web

PYTHON = Path(sys.prefix, "bin")
SERVER = """
import os, tempfile, time
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = {keep_alive}

    def do_GET(self):
        while self.path == "/" and Path("locked").exists():
            time.sleep(0.05)
        self.answer(200)

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

{kind}(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
USUAL = {
    "keep_alive": "60",
    "body": "self.answer(413); self.close_connection = True",
    "header": "pass",
    "kind": "ThreadingHTTPServer",
}


@pytest.fixture
def stage(tmp_path):
    """A function that starts a server of that kind, and returns a stage with it."""
    entered = []

    def start(**changes: str) -> SimpleNamespace:
        folder = tmp_path / "project"
        folder.mkdir()
        (folder / "server.py").write_text(SERVER.format(**(USUAL | changes)))
        (folder / "Procfile").write_text("web: python server.py")
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        environment = bare_environment(PYTHON, folder) | {"TMPDIR": str(temporary)}
        web = Web(Heroku(folder), environment).__enter__()
        entered.append(web)
        return SimpleNamespace(
            web=web,
            platform=web.platform,
            paths=["/"],
            temporary=temporary,
            idle=None,
            advice=lambda what, how: what,
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
    site.idle = IdleConnection(site.web, 1)
    found = idle.use_again(site)
    assert (found.status, text in found.text) == (status, True), found
    assert not site.web.process.is_running()


def test_an_end_of_the_process_is_not_taken_for_the_server_s_end_of_a_connection(stage):
    site = stage()
    site.idle = IdleConnection(site.web, 60)
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
