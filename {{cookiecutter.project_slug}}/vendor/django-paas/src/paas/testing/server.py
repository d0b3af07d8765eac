"""A web process, started and stopped as the platform does."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from django.conf import settings

# Seconds in which platforms expect a web process to start.
START_TIMEOUT = 60
# Seconds; less than the 25 after which servers stop waiting for requests.
STOP_TIMEOUT = 15
# A configuration of production that passes the deploy checks. Nothing listens on port 1: the web
# process must start without a database.
PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFG",
    "ALLOWED_HOSTS": "127.0.0.1",
    "DATABASE_URL": "postgres://localhost:1/none",
    "REDIS_URL": "redis://localhost:1",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_STORAGE_BUCKET_NAME": "uploads",
    "AWS_S3_REGION_NAME": "us-east-1",
}
# A shell's status of a process that SIGTERM has ended, as it ends Uvicorn after a clean stop.
ENDED_BY_SIGTERM = 128 + signal.SIGTERM

needs_sigterm = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM.")


BUILD_FAILS = (
    "The platform's build would fail too: add the missing file to static/, or delete the reference "
    "to it, such as a comment with sourceMappingURL."
)


def manage(command: str, environment: dict[str, str], advice: str = "") -> None:
    """Run a command of manage.py; if it fails, fail with what it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *command.split()],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}{advice}"


def assert_builds_and_passes_checks(environment: dict[str, str]) -> None:
    """Run collectstatic as the build does, and the deploy checks as the release does."""
    manage("collectstatic --noinput", environment, BUILD_FAILS)
    manage("check --deploy --fail-level WARNING", environment)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def web_command(folder: Path) -> str:
    """The command of the web process: of the Procfile, or of ``.do/app.yaml``, in the folder."""
    procfile, spec = folder / "Procfile", folder / ".do/app.yaml"
    if procfile.exists():
        [command] = re.findall(r"^web: (.+)$", procfile.read_text(), re.MULTILINE)
    else:
        # Without a YAML parser: the plain scalar, on one line, of the component named web.
        pattern = r"^  - name: web\n(?:    .*\n)*?    run_command: (\w.*)\n(?!     )"
        [command] = re.findall(pattern, spec.read_text(), re.MULTILINE)
    return command


class Server:
    """The process of a shell command; at exit of the context its process group is killed."""

    def __init__(self, command: str, log: Path, environment: dict[str, str]):
        self.port, self.log = free_port(), log
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                # The platform sends SIGTERM to the shell too; this one waits for the exit status.
                f"trap : TERM; {command}",
                shell=True,
                cwd=settings.BASE_DIR,
                env={**os.environ, **environment, "PATH": programs, "PORT": str(self.port)},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        # macOS raises PermissionError if only zombies are left.
        with suppress(ProcessLookupError, PermissionError):
            self.signal(signal.SIGKILL)
        self.process.wait()
        print(self.log.read_text())  # pytest shows it if the test fails

    def signal(self, number: signal.Signals) -> None:
        """Send the signal to every process of the command."""
        os.killpg(self.process.pid, number)

    def connect(self) -> closing[HTTPConnection]:
        return closing(HTTPConnection("127.0.0.1", self.port, timeout=STOP_TIMEOUT))

    def is_healthy(self) -> bool:
        with suppress(OSError, HTTPException), self.connect() as connection:
            return status_of_health_check(connection) == 200
        return False

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Fail if the condition is not true within ``seconds``, or the process ends before."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, "The web process has ended."
            assert time.monotonic() < deadline, "The web process takes too long."
            time.sleep(0.05)


def status_of_health_check(connection: HTTPConnection) -> int:
    connection.request("GET", "/healthz")
    with connection.getresponse() as response:
        response.read()
        return response.status


def assert_serves_and_stops(command: str, log: Path, environment: dict[str, str]) -> None:
    """Start the command, and send SIGTERM while a request is in flight and a connection idle."""
    with (
        Server(command, log, environment) as server,
        server.connect() as idle,
        server.connect() as upload,
    ):
        server.wait_until(server.is_healthy, START_TIMEOUT)
        assert status_of_health_check(idle) == 200
        upload.putrequest("POST", "/")
        upload.putheader("Content-Length", "8")
        # What Gunicorn has not accepted at SIGTERM is lost: this asks the server to say that it has.
        upload.putheader("Expect", "100-continue")
        upload.endheaders(b"half")
        assert upload.sock.recv(64) == b"HTTP/1.1 100 Continue\r\n\r\n"
        server.signal(signal.SIGTERM)
        time.sleep(1)
        # The router may still send requests; Gunicorn, though, accepts no more connections.
        assert command.startswith("gunicorn") or server.is_healthy()
        upload.send(b"half")
        # A redirect to HTTPS, which needs neither the database nor collected static files.
        assert upload.getresponse().status == 301
        assert server.process.wait(STOP_TIMEOUT) in (0, ENDED_BY_SIGTERM)
