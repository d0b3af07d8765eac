"""Celery's workers: what happens to a task whose worker is stopped, or killed.

The project's own tasks are unknown. The worker's own command gets ``--include`` with a module that
registers one with the project's Celery app, so all of the project's settings apply to it.
"""

import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from rehearse.findings import Finding, failed
from rehearse.processes import CommandFailed, Process, run, wait_for
from rehearse.stage import Stage
from rehearse.steps.start import advice_for

MODULE = Path(__file__).parent.parent / "inside/rehearsal_task.py"
TASK = "rehearse.wait"
TASK_SECONDS = 3
START_SECONDS = 60


def worker_name(stage: Stage) -> str | None:
    """The name of the project's first process that is a worker of Celery."""
    others = {n: c for n, c in stage.platform.commands().items() if n not in ("web", "release")}
    return next((n for n, c in others.items() if re.search(r"\bcelery\b.*\bworker\b", c)), None)


def has_celery(stage: Stage) -> bool:
    return bool(worker_name(stage)) and stage.has_own("redis")


@dataclass
class Task:
    """One run of the task: it writes to the file ``journal`` when it starts and ends."""

    stage: Stage
    journal: Path

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.journal.parent}:{self.stage.environment.get('PYTHONPATH', '')}"
        extra = {"PYTHONPATH": path.rstrip(":"), "REHEARSAL_JOURNAL": str(self.journal)}
        return self.stage.environment | extra

    @property
    def command(self) -> str:
        return self.stage.platform.command(worker_name(self.stage))

    def worker(self) -> Process:
        command = f"{self.command} --include={MODULE.stem}"
        return Process(
            command, self.stage.platform.folder, self.environment, self.stage.platform.grace
        )

    def send(self) -> None:
        """Send the task, by the same Celery app, to a queue that the worker reads."""
        match = re.search(r"(.*?)\bworker\b", self.command)
        queue = re.search(r"(?:-Q|--queues)[ =]([\w.-]+)", self.command)
        command = f"{match[1]} call {TASK} --args='[{TASK_SECONDS}]'"
        run(
            f"{command} --queue={queue[1]}" if queue else command,
            self.stage.platform.folder,
            self.environment,
        )

    def count(self, what: str) -> int:
        """How often the task has done that: ``start`` or ``end``."""
        text = self.journal.read_text() if self.journal.exists() else ""
        return text.split().count(what)

    def wait(self, what: str, count: int, seconds: float) -> bool:
        return wait_for(lambda: self.count(what) >= count, seconds)

    def is_waiting(self) -> bool:
        """Whether Redis has it: queued, or delivered and not acknowledged."""
        return self.stage.services.valkey.holds(TASK)


def new_task(stage: Stage, name: str) -> Task:
    folder = stage.folder / name.replace(" ", "-")
    folder.mkdir()
    folder.chmod(0o755)
    (folder / MODULE.name).write_text(MODULE.read_text())
    return Task(stage, folder / "journal")


def start_task(task: Task, worker: Process) -> Finding | None:
    """Send the task and wait until it runs; what failed, or None."""
    try:
        task.send()
    except CommandFailed as failure:
        output = str(failure)
        return failed("no task can be sent", advice_for(output, "Read the output below."), output)
    if not task.wait("start", 1, START_SECONDS):
        return failed(
            f"the worker does not run a task within {START_SECONDS} s",
            advice_for(worker.output(), "Read the output below: the platform would show the same."),
            worker.output(),
        )
    return None


def stop_worker(stage: Stage) -> Finding:
    """SIGTERM while a task runs that takes TASK_SECONDS; what is left of it a second worker gets."""
    task, plan = new_task(stage, "stopped"), stage.platform.megabytes(worker_name(stage))
    with task.worker() as worker:
        if problem := start_task(task, worker):
            return problem
        megabytes = worker.memory()
        worker.signal(signal.SIGTERM)
        stopped = time.monotonic()
        wait_for(lambda: not worker.is_running(), stage.platform.grace)
        seconds, is_late, output = time.monotonic() - stopped, worker.is_running(), worker.output()
    found = Finding(figures={"stop_s": round(seconds, 1), "megabytes": round(megabytes)})
    if is_late:
        found.fail(
            f"still runs {stage.platform.grace:.0f} s after SIGTERM: SIGKILL ends it",
            "End on SIGTERM; give tasks a time limit below the platform's grace period.",
            output,
        )
    happened = finish(task)
    if "lost" in happened:
        found.fail(
            f"the task {happened}", "Set task_acks_late and worker_soft_shutdown_timeout.", output
        )
    if megabytes > plan:
        found.fail(
            f"{megabytes:.0f} MB, of {plan} on the plan",
            "Lower worker_concurrency: it defaults to a process for each core.",
        )
    found.text = found.text or f"stopped after {seconds:.1f} s; the task {happened};"
    if found.status == "ok":
        found.text += f" {megabytes:.0f} MB"
    return found


def kill_worker(stage: Stage) -> Finding:
    """SIGKILL while a task runs, as for too much memory; a second worker starts after it."""
    task = new_task(stage, "killed")
    with task.worker() as worker:
        if problem := start_task(task, worker):
            return problem
        worker.kill()
        output = worker.output()
    happened = finish(task)
    if "lost" in happened:
        return failed(
            f"the task {happened}",
            "Set task_acks_late and task_reject_on_worker_lost: a task is then acknowledged when it"
            " ends, and must be idempotent, as it may run twice.",
            output,
        )
    return Finding(f"the task {happened}")


def finish(task: Task) -> str:
    """What happened to the task in the end, with the help of a second worker if Redis has it."""
    if task.count("end") and not task.is_waiting():
        return "ran once"
    if not task.is_waiting():
        return "is lost: it was acknowledged before it ended"
    task.stage.services.valkey.age_tasks()
    started, had_ended = time.monotonic(), task.count("end")
    with task.worker() as worker:
        ran = task.wait("start", 2, START_SECONDS)
        task.wait("end", had_ended + 1, TASK_SECONDS * 3)
        took = time.monotonic() - started
        if not ran:
            worker.kill()
            return "stays in the queue, and no worker takes it"
        wait_for(lambda: not task.is_waiting(), 5)
        worker.signal(signal.SIGTERM)
    again = "ran twice" if had_ended else "was cut short, and ran again"
    return f"{again} ({took:.0f} s later)"
