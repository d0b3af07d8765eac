"""Celery's workers: what happens to a task whose worker is stopped, or killed.

The project's own tasks are unknown. CELERY_LOADER has the worker load a module that registers one with
the project's Celery app, so all of the project's settings apply to it, whatever its command is.
"""

import re
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from rehearse.findings import NOT_RUN, OK, Finding
from rehearse.processes import Process, wait_for
from rehearse.stage import Stage
from rehearse.steps.start import READ, advice_for

# As Celery reads its command: options before the subcommand, and the value of those that have one.
WORKER = re.compile(
    r"\bcelery(?>\s+(?:(?:-A|-b|--app|--broker|--config|--loader|--result-backend|--workdir)"
    r"(?:\s+|=)\S+|-\S+))*+\s+worker\b"
)
BROKER = re.compile(r"[\"']([A-Z_]*BROKER[A-Z_]*)[\"']")
MODULE = Path(__file__).parent.parent / "inside/rehearsal_task.py"
TASK = "rehearse.wait"
TASK_SECONDS = 3
START_SECONDS, WATCH_SECONDS = 60, 10
LATE = (
    "Set both task_acks_late and task_reject_on_worker_lost to True: the platforms send SIGTERM to"
    " Celery's child processes too. A task may then run twice, and must be idempotent."
)


def worker_name(stage: Stage) -> str | None:
    """The name of the project's first process that is a worker of Celery."""
    commands = stage.platform.commands()
    others = [name for name in commands if name not in ("web", "release")]
    return next((name for name in others if is_worker(stage, commands[name])), None)


def is_worker(stage: Stage, command: str) -> bool:
    """Whether the command, or a script that it names, starts a worker."""
    texts = [command]
    for word in re.findall(r"[\w./-]+", command):
        path = stage.platform.folder / word
        if path.is_file() and path.suffix in ("", ".sh"):
            texts.append(path.read_text(errors="replace"))
    return any(map(WORKER.search, texts))


def has_celery(stage: Stage) -> bool:
    return stage.has("celery") and bool(worker_name(stage))


def others(stage: Stage) -> list[str]:
    """The processes that no other step starts."""
    known = {"web", "release", worker_name(stage) if has_celery(stage) else ""}
    return [name for name in stage.platform.commands() if name not in known]


def has_others(stage: Stage) -> bool:
    return bool(others(stage))


def start_others(stage: Stage) -> Finding:
    """Start them all: a platform starts a process that ends again and again."""
    task, found = new_task(stage, "others"), Finding()
    task.journal.touch()  # another worker of Celery sends no task
    with ExitStack() as stack:
        running = {name: stack.enter_context(task.process(name, 1)) for name in others(stage)}
        wait_for(lambda: not any(one.is_running() for one in running.values()), WATCH_SECONDS)
        ended = {name: one for name, one in running.items() if not one.is_running()}
    for name, process in ended.items():
        if process.process.returncode:
            how = f"{name} ends with status {process.process.returncode}"
            found.fail(how, advice_for(process.output(), READ), process.output())
    texts = [f"{name} {'ends' if name in ended else 'runs'}" for name in running]
    found.text = found.text or ", ".join(texts)
    return found


@dataclass
class Task:
    """One run of the task: what happens to it is in the file ``journal``."""

    stage: Stage
    journal: Path

    def worker(self) -> Process:
        return self.process(worker_name(self.stage), self.stage.platform.grace)

    def process(self, name: str, grace: float) -> Process:
        stage, services = self.stage, self.stage.services
        environment = stage.environment_of(name)
        path = f"{self.journal.parent}:{environment.get('PYTHONPATH', '')}"
        ports = services.valkey.port, services.self_signed_port, services.issued_port
        environment |= {
            "PYTHONPATH": path.rstrip(":"),
            "CELERY_LOADER": f"{MODULE.stem}:Loader",
            "REHEARSAL_JOURNAL": str(self.journal),
            "REHEARSAL_PORTS": " ".join(map(str, ports)),
            "REHEARSAL_SECONDS": str(TASK_SECONDS),
        }
        return Process(stage.platform.commands()[name], stage.platform.folder, environment, grace)

    def words(self) -> list[str]:
        return self.journal.read_text().split() if self.journal.exists() else []

    def count(self, what: str) -> int:
        """How often the task has done that: ``start`` or ``end``."""
        return self.words().count(what)

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
    """Wait until the worker, which sends the task itself, runs it; what failed, or None."""
    wait_for(lambda: task.count("start") > 0 or not worker.is_running(), START_SECONDS)
    if task.count("start"):
        time.sleep(0.5)  # a worker that acknowledges a task early has done it by then
        return None
    if broker := next((one for one in task.words() if one.startswith("broker=")), ""):
        return other_broker(task.stage, broker.removeprefix("broker="))
    how, output = f"runs no task within {START_SECONDS} s", worker.output()
    how = how if worker.is_running() else "ends before it runs a task"
    return Finding().fail(f"the worker {how}", advice_for(output, READ), output)


def other_broker(stage: Stage, url: str) -> Finding:
    """What to set if the broker is not this run's Redis; this machine's own is not asked."""
    if not re.search(r"\b(localhost|127\.0\.0\.1)\b", url):
        return Finding(f"not tried: the worker's broker is {url}")
    files = [path for path in stage.platform.folder.rglob("*.py") if ".heroku" not in path.parts]
    names = chain(*(BROKER.findall(path.read_text(errors="replace")) for path in files))
    urls = [name for name, value in stage.environment.items() if value.startswith("rediss:")]
    given = f"{next(names, 'BROKER_URL')}=${next(iter(urls), 'REDIS_URL')}"
    return Finding().fail(
        f"the worker's broker is {url}, which no platform has: no task was sent",
        "Read the platform's variable in the settings, or give the broker's the same value:"
        f" --set '{given}?ssl_cert_reqs={stage.platform.ssl_cert_reqs}'.",
    )


def stop_worker(stage: Stage) -> Finding:
    """SIGTERM while a task runs that takes TASK_SECONDS; what is left of it a second worker gets."""
    task, plan = new_task(stage, "stopped"), stage.platform.megabytes(worker_name(stage))
    with task.worker() as worker:
        if problem := start_task(task, worker):
            stage.no_task = problem
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
    if re.search("lost|stays", happened):
        found.fail(f"the task {happened}", LATE, output)
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
    if stage.no_task:
        return Finding("no task ran before", OK if stage.no_task.status == OK else NOT_RUN)
    task = new_task(stage, "killed")
    with task.worker() as worker:
        if problem := start_task(task, worker):
            return problem
        worker.kill()
        output = worker.output()
    happened = finish(task)
    found = Finding(f"the task {happened}")
    return found.fail(found.text, LATE, output) if re.search("lost|stays", happened) else found


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
