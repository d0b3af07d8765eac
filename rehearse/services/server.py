"""A server in a process of its own, with a folder that is deleted when it ends."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

from rehearse.processes import wait_for
from rehearse.services.ports import free_port
from rehearse.services.tls import Certificates


class Server:
    """What the servers have in common: a process, its port, password, log and own folder."""

    _stop_signal = signal.SIGINT  # PostgreSQL's fast shutdown; Valkey exits by it too

    def __init__(self, folder: Path):
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self.log = Path(folder) / f"{type(self).__name__.lower()}-{self.port}.log"
        self._process: subprocess.Popen | None = None
        self._user: dict = {}  # for subprocess, to run as another user

    def __enter__(self):
        # Beside the log, unless that is closed to the user that PostgreSQL runs as, as root's
        # TMPDIR and pytest's tmp_path may be.
        parents = self.log.parent.resolve(), *self.log.parent.resolve().parents
        is_open = all(folder.stat().st_mode & 0o005 == 0o005 for folder in parents)
        parent = None if os.geteuid() else self.log.parent if is_open else "/tmp"
        folder = tempfile.TemporaryDirectory(dir=parent, ignore_cleanup_errors=True)
        with ExitStack() as stack:
            self._home = Path(stack.enter_context(folder))
            stack.callback(self.stop)
            self._command = self._prepare()
            self.start()
            self._close = stack.pop_all().close
        return self

    def __exit__(self, *_):
        self._close()

    def _prepare(self) -> list:
        """Write the server's files, and return its command."""
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def _copy_certificate(self, certificates: Certificates) -> None:
        shutil.copyfile(certificates.certificate, self._home / "certificate")
        shutil.copyfile(certificates.key, self._home / "key")
        (self._home / "key").chmod(0o600)  # or PostgreSQL refuses it

    def _leave_root(self) -> None:
        """If this is root, which a server refuses to run as, give the folder to another user."""
        if os.geteuid() == 0:
            uid, gid = pwd.getpwnam("nobody")[2:4]
            self._user = {"user": uid, "group": gid, "extra_groups": []}
            for path in (self._home, *self._home.rglob("*")):
                os.chown(path, uid, gid)

    def start(self) -> None:
        """Start the server and return when it answers; RuntimeError with its log if it does not."""
        if self._process:
            raise RuntimeError(f"already running: {self.log}")
        self._process = self._run(self._command)
        # When this process ends, even by SIGKILL, the pipe closes and the shell stops the server.
        # (PR_SET_PDEATHSIG is Linux's only, and acts when the thread that called us ends.)
        watch = ["/bin/sh", "-c", f"read -r _; kill -INT {self._process.pid} 2>/dev/null"]
        self._watcher = subprocess.Popen(watch, stdin=subprocess.PIPE, start_new_session=True)
        wait_for(lambda: self._process.poll() is not None or self._answers(), 30)
        if self._process.poll() is not None or not self._answers():
            self.stop()
            raise self._failure("did not start")

    def stop(self) -> None:
        """Stop the server and drop its connections without waiting for them; may be repeated."""
        process, self._process = self._process, None
        if not process:
            return
        process.send_signal(self._stop_signal)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._watcher.kill()
        self._watcher.communicate()

    def _run(self, command: list) -> subprocess.Popen:
        # Our PGPORT, OPENSSL_CONF, LC_ALL and the like would change the server.
        environment = {"PATH": os.defpath, "TZ": "UTC"}
        # In a session of its own: Ctrl-C interrupts the tests, which then stop the server.
        options: dict = {"cwd": self._home, "start_new_session": True, **self._user}
        with self.log.open("ab") as log:
            output: dict = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            return subprocess.Popen(command, env=environment, **output, **options)

    def _failure(self, what: str) -> RuntimeError:
        lines = self.log.read_text(errors="replace").splitlines()[-20:]
        return RuntimeError("\n".join([f"{type(self).__name__} {what}, {self.log}:", *lines]))
