"""A line for each step, as it ends, and what is wrong at the end."""

import threading
import time
from pathlib import Path
from typing import TextIO

from rehearse.findings import FAILS, NOT_RUN, Finding, Rehearsed
from rehearse.steps import STEPS

WIDTH = max(len(step.name) for step in STEPS)
GREEN, RED, DIM, RESET = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m"
COLOURS = {"ok": GREEN, FAILS: RED, NOT_RUN: DIM}


def duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"


class Table:
    """Writes to ``stream``; in colours, and with the step that runs, if that is a terminal."""

    def __init__(self, stream: TextIO):
        self.stream, self.is_terminal = stream, stream.isatty()

    def begins(self, rehearsed: Rehearsed) -> None:
        commands = " · ".join(f"{name}: {one}" for name, one in rehearsed.commands.items())
        self.write(f"{rehearsed.platform} · {rehearsed.python} · {commands}\n")
        self.write("".join(f"not tried: {one}\n" for one in rehearsed.untried) + "\n")

    def step_begins(self, name: str) -> None:
        self.ended = threading.Event()
        if self.is_terminal:
            self.write(f" {name:<{WIDTH}}  ...")
        threading.Thread(target=self.show_time, args=(name, self.ended), daemon=True).start()

    def show_time(self, name: str, ended: threading.Event) -> None:
        """Show that a long step goes on: a clock, or in a log a line each minute."""
        started = time.monotonic()
        while not ended.wait(1 if self.is_terminal else 60):
            line = f" {name:<{WIDTH}}  ... {duration(time.monotonic() - started)}"
            self.write(f"\r\x1b[K{line}" if self.is_terminal else f"{line}\n")

    def step_ends(self, finding: Finding) -> None:
        if finding.status != NOT_RUN:
            self.ended.set()
        took = "" if finding.status == NOT_RUN else duration(finding.seconds)
        status = f"{finding.status:<7}"
        if self.is_terminal:
            status = f"{COLOURS[finding.status]}{status}{RESET}"
        line = f" {finding.step:<{WIDTH}}  {status} {took:>6}  {finding.text}".rstrip()
        self.write(f"\r\x1b[K{line}\n" if self.is_terminal else f"{line}\n")

    def write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()


def close(rehearsed: Rehearsed, report: Path | None, stream: TextIO) -> None:
    """Write the advice and the project's output for each step that fails, then the totals."""
    for finding in rehearsed.findings:
        if finding.status == FAILS:
            stream.write(f"\n{finding.step}: {finding.text}\n")
            stream.writelines(f"  -> {advice}\n" for advice in finding.advice if advice)
            stream.writelines(f"  | {line}\n" for line in finding.output.splitlines())
    where = f" · report in {report}" if report else ""
    total = len(rehearsed.findings)
    stream.write(f"\n{rehearsed.passed} of {total} · {duration(rehearsed.seconds)}{where}\n")
