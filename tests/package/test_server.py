"""The web process, started as a platform starts it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from importlib import import_module

import pytest
from django.conf import settings

from example.production import VALID_SETTINGS
from paas.limits import BAD_REQUEST
from paas.testing.server import (
    START_TIMEOUT,
    STOP_TIMEOUT,
    Server,
    assert_serves_and_stops,
    needs_sigterm,
)

COMMAND = {
    "asgi-daphne": "python -m paas.servers.daphne --bind 0.0.0.0 --port $PORT example.asgi:application",
    "asgi-uvicorn": "python -m paas.servers.uvicorn example.asgi:application",
    "wsgi-gunicorn": "gunicorn example.wsgi:application",
    "wsgi-waitress": "python -m paas.servers.waitress example.wsgi:application",
}[settings.SITE_SERVER]
# Nothing listens on port 1: the web process must start without a database.
PRODUCTION = {
    "DEBUG": "false",
    "DJANGO_SETTINGS_MODULE": "example.settings",
    "PYTHONPATH": "../src:.",
    "SECRET_KEY": VALID_SETTINGS["SECRET_KEY"],
    "ALLOWED_HOSTS": "127.0.0.1",
    "DATABASE_URL": "postgres://localhost:1/none",
    "REDIS_URL": "redis://localhost:1",
}


@needs_sigterm
def test_it_serves_and_finishes_its_requests_after_sigterm(tmp_path):
    assert_serves_and_stops(COMMAND, tmp_path / "log", PRODUCTION)


@needs_sigterm
def test_connections_that_wait_when_it_stops_accepting_are_answered(tmp_path):
    """SIGSTOP keeps it from accepting them one by one; the kernel queues them."""
    with Server(COMMAND, tmp_path / "log", PRODUCTION) as server, ExitStack() as stack:
        server.wait_until(server.is_healthy, START_TIMEOUT)
        server.signal(signal.SIGTERM)
        time.sleep(0.2)
        server.signal(signal.SIGSTOP)
        stack.enter_context(server.connect()).connect()  # sends nothing, and delays no exit
        clients = [stack.enter_context(server.connect()) for _ in range(100)]
        for client in clients:
            client.request("GET", "/healthz")
        time.sleep(1)  # ACCEPT_GRACE_SECONDS
        server.signal(signal.SIGCONT)
        assert {client.getresponse().status for client in clients} == {200}
        assert server.process.wait(STOP_TIMEOUT) == 0


def test_an_invalid_request_gets_a_400_and_one_line_in_the_log(tmp_path):
    head = b"POST /?secret HTTP/1.1\r\nHost: a\r\nContent-Length: %b\r\n\r\n"
    with Server(COMMAND, tmp_path / "log", PRODUCTION) as server:
        server.wait_until(server.is_healthy, START_TIMEOUT)
        with socket.create_connection(("127.0.0.1", server.port), STOP_TIMEOUT) as client:
            client.sendall(head % (b"9" * 5000))
            response = client.makefile("rb").read(len(BAD_REQUEST.message))
        log = server.log.read_text()
    assert response == BAD_REQUEST.message
    assert log.count("request refused") == 1
    assert "secret" not in log


@pytest.mark.skipif("asgi" in settings.SITE_SERVER, reason="only WSGI servers drop connections")
def test_idle_connections_make_room_when_files_run_out(tmp_path):
    with (
        Server(f"ulimit -n 100; {COMMAND}", tmp_path / "log", PRODUCTION) as server,
        ExitStack() as stack,
    ):
        server.wait_until(server.is_healthy, START_TIMEOUT)
        for _ in range(150):
            stack.enter_context(server.connect()).connect()
        assert server.is_healthy()
        assert "Traceback" not in server.log.read_text()


@pytest.mark.skipif(settings.SITE_SERVER != "wsgi-gunicorn", reason="others have no such worker")
def test_a_worker_that_hangs_is_replaced_and_one_without_a_parent_ends(tmp_path):
    variables = {"GUNICORN_CMD_ARGS": "--timeout 2"}
    with Server(COMMAND, tmp_path / "log", PRODUCTION | variables) as server:
        server.wait_until(server.is_healthy, START_TIMEOUT)
        log = server.log.read_text()
        pattern = r"Listening at: \S+ \((\d+)\).*pid: (\d+)"
        [(parent, worker)] = re.findall(pattern, log, re.DOTALL)
        os.kill(int(worker), signal.SIGSTOP)
        server.wait_until(server.is_healthy, START_TIMEOUT)
        os.kill(int(parent), signal.SIGKILL)
        deadline = time.monotonic() + STOP_TIMEOUT
        while server.is_healthy():
            assert time.monotonic() < deadline


def test_it_ends_if_the_application_cannot_be_imported(tmp_path):
    command = COMMAND.replace("example", "example.nowhere")
    with Server(command, tmp_path / "log", PRODUCTION | {"WEB_CONCURRENCY": "2"}) as server:
        assert server.process.wait(START_TIMEOUT) > 0
        errors = server.log.read_text().count("Error: No module named 'example.nowhere'")
    # Of several processes, the first.
    assert errors == 1 or "gunicorn" in settings.SITE_SERVER


def test_the_deploy_checks_import_it():
    check = [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "WARNING"]
    environment = {**os.environ, **PRODUCTION}
    done = subprocess.run(
        check, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_release_fails_if_the_application_cannot_be_imported(settings):
    settings.ASGI_APPLICATION = settings.WSGI_APPLICATION = "example.nowhere.application"
    with pytest.raises(ImportError):
        import_module(settings.SERVER).check()
