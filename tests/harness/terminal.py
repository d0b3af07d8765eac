"""A person in a terminal who types commands and answers questions."""

import os
import pty
import re
import signal
import subprocess
import termios
from contextlib import suppress
from pathlib import Path

from pexpect.fdpexpect import fdspawn

from tests.harness.combinations import QUESTIONS
from tests.harness.waiting import SECONDS

ASKED = [name for name in QUESTIONS if not name.startswith("_")]


class Terminal:
    """A command in a terminal without colours or echo; enter it to start.

    pexpect.spawn() would fork, which can block in a process with threads, as that of tests is.
    """

    def __init__(self, command: str, folder: Path, environment: dict[str, str]):
        self.words, self.folder = ["bash", "-c", command], folder
        self.environment = environment | {"TERM": "dumb"}

    def __enter__(self):
        ours, theirs = pty.openpty()
        attributes = termios.tcgetattr(theirs)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(theirs, termios.TCSANOW, attributes)
        self.process = subprocess.Popen(
            self.words,
            cwd=self.folder,
            env=self.environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.screen = fdspawn(ours, encoding="utf-8", timeout=SECONDS)
        return self

    def __exit__(self, *exception):
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.screen.close()

    def finish(self) -> tuple[int, str]:
        """Wait for the command to end; returns its exit status and its last output, in one line."""
        shown = self.screen.read()
        return self.process.wait(SECONDS), " ".join(shown.split())

    def answer(self, answers: dict[str, tuple[str, ...]], last: str = "") -> tuple[int, str]:
        """Answer the questions up to ``last``, or all, then finish(). Each gets its answers in turn, the
        later ones when it is asked again; without answers it gets its default.
        """
        shown = ""
        for number, name in enumerate(ASKED, start=1):
            for text in answers.get(name, ("",)):
                self.screen.expect_exact(f"[{number}/{len(ASKED)}] ")
                shown += self.screen.before
                self.screen.expect(r": $")
                shown += self.screen.before
                self.screen.sendline(text)
            if name == last:
                break
        status, last = self.finish()
        return status, f"{' '.join(shown.split())} {last}"


def next_steps(printed: str) -> list[str]:
    """The commands among the next steps that a new project prints."""
    return re.findall(r"^    (\S.*)$", printed, re.MULTILINE)
