"""Build, release and boot: without them nothing is live."""

import re
import shlex
import time
from pathlib import Path

from rehearse import buildpack
from rehearse.buildpack import BuildFailed
from rehearse.findings import Finding, failed
from rehearse.processes import CommandFailed, Process, run
from rehearse.stage import DATABASE, Stage
from rehearse.web import NotUp

# A release that waits for a lock for so long has no timeout for it.
LOCK_SECONDS = 10
RELEASE_SECONDS = 600
INSIDE = Path(__file__).parent.parent / "inside"
MISSING_VARIABLE = re.compile(
    r"KeyError: '([A-Z][A-Z0-9_]+)'"
    r"|Set the ([A-Z][A-Z0-9_]+) environment variable"
    r"|variable \"?([A-Z][A-Z0-9_]+)\"? (?:is )?not set"
    r"|([A-Z][A-Z0-9_]+) not found\. Declare it"
)
MISSING_MODULE = re.compile(r"No module named '?([\w.]+)'?|(\w+): (?:command )?not found")
# Python's own until 3.12 or 3.13: https://docs.python.org/3/whatsnew/3.13.html
REMOVED_MODULES = ("asynchat", "asyncore", "cgi", "crypt", "distutils", "imghdr", "imp", "smtpd")


def advice_for(output: str, otherwise: str) -> str:
    """Advice that fits the output of a command that failed, or else ``otherwise``."""
    if match := MISSING_VARIABLE.search(output):
        name = next(filter(None, match.groups()))
        return f"Give the variable {name} a value: --set {name}=VALUE here, and on the platform."
    if match := MISSING_MODULE.search(output):
        name = next(filter(None, match.groups()))
        if name.partition(".")[0] in REMOVED_MODULES:
            return (
                f"Newer Pythons have no module {name}: update the package that imports it, or name"
                " an older Python in .python-version."
            )
        # The cause may be above the lines that are shown: each of several workers prints its own.
        return f"Add the package of {name} to the project's requirements: {match[0]}."
    return otherwise


def build(stage: Stage) -> Finding:
    """Build without the variables of the run; if that fails, with them, to go on."""
    platform = stage.platform
    given = {n: v for n, v in stage.given.items() if n == "DISABLE_COLLECTSTATIC"}
    environment = platform.build_environment() | given
    try:
        platform.build(given)
        collects = buildpack.collects_static(platform.folder, environment)
    except BuildFailed as failure:
        return rebuild(stage, str(failure))
    count = buildpack.count_packages(platform.folder)
    static = ", collectstatic without variables" if collects else ""
    return Finding(f"{count} packages{static}", figures={"packages": count})


def rebuild(stage: Stage, failure: str) -> Finding:
    """The Finding of a build that failed. If it succeeds with variables, the next steps go on."""
    advice = advice_for(failure, "Read the output below: the platform would show the same.")
    if not (stage.platform.folder / buildpack.PYTHON_FOLDER).exists():
        return failed(failure.partition("\n")[0].rstrip(":"), advice, failure)
    found = failed(
        "collectstatic needs variables that a build does not have",
        f"{advice} Or give it a default in the settings that the build can do with.",
        failure,
    )
    try:
        buildpack.collect_static(stage.platform.folder, stage.environment)
        buildpack.run_hook(buildpack.HOOKS[1], stage.platform.folder, stage.environment)
    except BuildFailed:
        return failed("collectstatic fails", advice, failure)
    found.can_go_on = True
    return found


def has_release(stage: Stage) -> bool:
    return "release" in stage.platform.commands()


def release(stage: Stage) -> Finding:
    """The release on an empty database; then, in a Django project with later migrations, the newest
    ones while a visitor's query reads every table, as on a day with traffic.
    """
    found = run_release(stage, DATABASE)
    if found.status == "ok" and (before := migrations_before(stage)):
        return migrate_beside_reader(stage, before)
    found.text = found.text or "on an empty database"
    return found


def run_release(stage: Stage, database: str, **changes: str) -> Finding:
    """Run the release command; it fails too if it waits for a lock for LOCK_SECONDS."""
    command, postgres = stage.platform.command("release"), stage.services.postgres
    deadline, waited_since = time.monotonic() + RELEASE_SECONDS, None
    folder, environment = stage.platform.folder, stage.environment_of("release") | changes
    with Process(command, folder, environment, grace=1) as process:
        while process.is_running():
            time.sleep(0.1)
            waits = postgres.held_up(database)
            waited_since = (waited_since or time.monotonic()) if waits else None
            if waited_since and time.monotonic() - waited_since > LOCK_SECONDS:
                process.kill()
                return failed(
                    f"waits for a lock for more than {LOCK_SECONDS} s, and every query to that table"
                    " behind it",
                    "Set lock_timeout for migrations (SET lock_timeout = '5s'), and try again.",
                    process.output(),
                )
            if time.monotonic() > deadline:
                process.kill()
                return failed(f"no end after {RELEASE_SECONDS} s", "", process.output())
    if process.process.returncode:
        output = process.output()
        return failed(
            f"exit status {process.process.returncode}: the old release stays",
            advice_for(output, "Read the output below: the release names what is wrong."),
            output,
        )
    return Finding()


def migrations_before(stage: Stage) -> dict[str, str]:
    """Of each app of the project with several migrations, the last but one."""
    manage = buildpack.manage_file(stage.platform.folder)
    if not (stage.has("django") and manage and stage.has_own("postgres")):
        return {}
    script = shlex.quote((INSIDE / "migrations.py").read_text())
    command = f"python {manage} shell -c {script}"
    try:
        printed = run(command, stage.platform.folder, stage.environment)
    except CommandFailed:
        return {}
    return dict(re.findall(r"^before: (\w+) (\w+)$", printed, re.MULTILINE))


def migrate_beside_reader(stage: Stage, before: dict[str, str]) -> Finding:
    """Release again, from the state before the newest migrations, while all tables are read."""
    postgres, database = stage.services.postgres, "before"
    postgres.create_database(database)
    changes = {
        name: value.replace(f"/{DATABASE}", f"/{database}")
        for name, value in stage.environment_of("release").items()
        if value.startswith("postgres")
    }
    manage = buildpack.manage_file(stage.platform.folder)
    commands = [f"python {manage} migrate {app} {name}" for app, name in before.items()]
    try:
        run(" && ".join(commands), stage.platform.folder, stage.environment | changes)
    except CommandFailed:
        return Finding(f"the migrations before {', '.join(before)} cannot be applied alone")
    with postgres.read_by_another(database):
        found = run_release(stage, database, **changes)
    found.can_go_on = True  # the first release passed
    if found.status == "ok":
        found.text = "also beside a query that reads every table"
    elif "exit status" in found.text:  # it gave up in time: the site goes on
        found = Finding("gives up when it waits for a lock, and the old release stays")
    return found


def boot(stage: Stage) -> Finding:
    started = time.monotonic()
    try:
        web = stage.web
    except RuntimeError as failure:
        return explain_boot(stage, failure, time.monotonic() - started)
    megabytes = web.boot_megabytes
    answers = f", answers {web.path}" if web.boot_status < 400 else ""
    found = Finding(f"{megabytes:.0f} MB{answers}")
    found.figures = {"boot_s": round(web.boot_seconds, 2), "megabytes": round(megabytes)}
    if megabytes > stage.platform.megabytes("web"):
        found.fail(
            f"{megabytes:.0f} MB of {stage.platform.megabytes('web')}",
            "Start fewer processes (WEB_CONCURRENCY), or take a larger plan.",
        )
    return found


def explain_boot(stage: Stage, failure: RuntimeError, seconds: float) -> Finding:
    output = str(failure)
    if isinstance(failure, NotUp):
        return failed(failure.reason, failure.advice, output)
    return failed(
        f"it ended after {seconds:.1f} s",
        advice_for(output, "Read the output below: the platform would show the same."),
        output,
    )
