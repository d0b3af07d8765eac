"""Run a project's commands as a platform does: through a shell, with a given environment only."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import IO, Any

import psutil

from rehearse.isolation import programs_folder

# A command of 50 seconds has taken 300 on a busy machine whose disk stalled.
PATIENCE_SECONDS = 900
# After SIGKILL a process may still wait for a disk.
KILL_SECONDS = 60


def bare_environment(programs: Path, home: Path) -> dict[str, str]:
    """An environment with nothing but the programs of a virtual environment and the system's."""
    path = f"{programs}:{programs_folder().name}"
    # A client of PostgreSQL without a host would take this machine's socket.
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "PGHOST": "localhost"}


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for the condition; False if it takes longer."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class CommandFailed(Exception):
    """A command of the project that had to succeed did not; the message is what it printed."""


def run(command: str, folder: Path, environment: dict[str, str]) -> str:
    """Run ``command`` in ``folder`` to its end and return all that it printed.

    Raises CommandFailed if its exit status is not 0, or it takes PATIENCE_SECONDS.
    """
    with start(command, folder, environment, subprocess.PIPE) as process:
        try:
            printed = process.communicate(timeout=PATIENCE_SECONDS)[0].decode(errors="replace")
        except BaseException as reason:  # or Ctrl-C, which a session of its own does not get
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(reason, subprocess.TimeoutExpired):
                raise CommandFailed(f"{command!r} took {PATIENCE_SECONDS} s") from None
            raise
    if process.returncode != 0:
        raise CommandFailed(f"{command!r} exited with {process.returncode}:\n{printed}")
    return printed


def start(
    command: str, folder: Path, environment: dict[str, str], output: IO | int
) -> subprocess.Popen:
    """Start the command in a session of its own, with nothing to read and all of its output there."""
    return subprocess.Popen(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


class Process:
    """A long-running command of the project: the shell and everything it started.

    Enter it to start; leave it to end it, with SIGTERM and after ``grace`` seconds SIGKILL.
    """

    def __init__(self, command: str, folder: Path, environment: dict[str, str], grace: float = 30):
        self.command, self.folder, self.environment = command, folder, environment
        self.grace = grace
        self.log = folder.parent / f"{Path(command.split()[0]).name[:50]}-{time.monotonic_ns()}.log"

    def __enter__(self):
        with self.log.open("wb") as log:
            self.process = start(self.command, self.folder, self.environment, log)
        return self

    def __exit__(self, kind, *exception):
        if kind is KeyboardInterrupt:
            self.kill()
        else:
            self.stop()

    def wait_until(self, is_up: Callable[[], bool], seconds: float) -> None:
        """Return once ``is_up()``; RuntimeError if the process exits, or it takes longer."""
        is_over = wait_for(lambda: is_up() or not self.is_running(), seconds)
        if not (is_over and self.is_running()):
            self.stop()
            raise RuntimeError(f"{self.command!r} did not boot:\n{self.output()}")

    def stop(self) -> int:
        """End the process as the platform does, and return its exit status."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                self.signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(self.grace)
        self.kill_session()
        return self.process.wait()

    def kill(self) -> None:
        """End the process as a crash does: by SIGKILL, at once."""
        self.kill_session()
        self.process.wait()

    def kill_session(self) -> None:
        """Kill every process that the command started, also one whose parent has exited, until none
        is left: a platform ends them all with their container.
        """
        deadline = time.monotonic() + KILL_SECONDS
        if self.is_running():
            self.signal(signal.SIGKILL)  # all at once, so that none reacts to another's end
        while members := self.session():
            if time.monotonic() > deadline:
                raise RuntimeError(f"still there after SIGKILL: {members}")
            for member in members:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            time.sleep(0.02)

    def session(self) -> list[psutil.Process]:
        """The live processes of the command's session, whose leader is the main process."""
        return [process for process in psutil.process_iter() if self.has_member(process)]

    def has_member(self, process: psutil.Process) -> bool:
        try:
            is_member = os.getsid(process.pid) == self.process.pid
            return is_member and process.status() != psutil.STATUS_ZOMBIE
        except (ProcessLookupError, psutil.NoSuchProcess):
            return False

    def signal(self, number: signal.Signals) -> None:
        """Send the signal to every process of the command, as a platform does."""
        os.killpg(self.process.pid, number)

    def is_running(self) -> bool:
        return self.process.poll() is None

    def ends_within(self, seconds: float) -> bool:
        """Whether it has ended, or does so by then: its connections are closed a little before."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        return not self.is_running()

    def memory(self) -> float:
        """Megabytes (10**6 bytes) of memory that the command's processes hold together; what they
        share counts once.
        """
        return sum(self.of_each(lambda one: one.memory_full_info().pss)) / 1e6

    def connections_to(self, port: int) -> int:
        """How many connections the command's processes have to that port of this machine."""
        found = chain(*self.of_each(lambda one: one.net_connections("tcp")))
        return sum(
            one.status == psutil.CONN_ESTABLISHED and one.raddr.port == port for one in found
        )

    def cpu_seconds(self) -> float:
        """CPU time that the command's processes have taken, with those that have ended."""
        return sum(self.of_each(lambda one: sum(one.cpu_times()[:4])))

    def is_busy(self) -> bool:
        """Whether it takes more than a tenth of a CPU just now, as while further workers boot."""
        before = self.cpu_seconds()
        time.sleep(0.5)
        return self.cpu_seconds() - before > 0.05

    def listening_ports(self, prefix: str = "") -> set[int]:
        """The TCP ports that the command's processes listen at, at addresses that begin so."""
        found = chain(*self.of_each(lambda one: one.net_connections("tcp")))
        listening = [one.laddr for one in found if one.status == psutil.CONN_LISTEN]
        return {address.port for address in listening if address.ip.startswith(prefix)}

    def everyone(self) -> list[psutil.Process]:
        """The command's process and all that it started."""
        with suppress(psutil.NoSuchProcess):
            main = psutil.Process(self.process.pid)
            return [main, *main.children(recursive=True)]
        return []

    def of_each(self, read: Callable[[psutil.Process], Any]) -> list:
        """What ``read`` returns for each process, but for those that end or are replaced meanwhile."""
        found = []
        for process in self.everyone():
            with suppress(psutil.NoSuchProcess):
                found.append(read(process))
        return found

    def output(self) -> str:
        """All that the process has printed so far."""
        return self.log.read_text(errors="replace")
