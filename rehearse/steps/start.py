"""Build, release and boot: without them nothing is live."""

import re
import shlex
import time
from pathlib import Path

from rehearse import buildpack
from rehearse.buildpack import BuildFailed, FinishFailed
from rehearse.findings import Finding
from rehearse.isolation import SERVERS
from rehearse.platforms import Platform
from rehearse.processes import CommandFailed, Process, run
from rehearse.stage import DATABASE, Stage
from rehearse.web import NotUp

# A release that waits for a lock for so long has no timeout for it.
LOCK_SECONDS = 10
RELEASE_SECONDS = 600
INSIDE = Path(__file__).parent.parent / "inside"
COMPILED = (
    "A version without a wheel for this Python is compiled, which fails: take a newer version of the"
    " package, or an older Python in .python-version."
)
READ = "Read the output below: the platform would show the same."
# URLs of this run's servers, by what the name of a variable for another says.
OWN_URLS = {"REDIS|BROKER|CELERY": "REDIS_URL", "DATABASE|POSTGRES|^PG|SQLALCHEMY": "DATABASE_URL"}
MISSING_VARIABLE = re.compile(
    r"KeyError: '([A-Z][A-Z0-9_]+)'"
    r"|Set the ([A-Z][A-Z0-9_]+) environment variable"
    r"|variable \"?([A-Z][A-Z0-9_]+)\"? (?:is )?not set"
    r"|([A-Z][A-Z0-9_]+) not found\. Declare it"
    r"|([A-Z][A-Z0-9_]+) (?:is not set|must be set|is required)"
)
MISSING_MODULE = re.compile(r"No module named '?([\w.]+)'?|([\w.-]+): (?:command )?not found")
OWN_SERVER = re.compile(
    r"(?:localhost|127\.0\.0\.1)\W{1,4}(?:port )?(\d{4,5}).*(?:refused|denied|failed)"
)
# Commands of packages; others are of the system, or of another language.
COMMANDS = "alembic celery daphne flask gunicorn hypercorn rq uvicorn uwsgi waitress-serve"
# Python's own until 3.12 or 3.13: https://docs.python.org/3/whatsnew/3.13.html
REMOVED_MODULES = ("asynchat", "asyncore", "cgi", "crypt", "distutils", "imghdr", "imp", "smtpd")


def advice_for(output: str, otherwise: str, platform: Platform | None = None) -> str:
    """Advice that fits the output of a command of the project that failed, or else ``otherwise``."""
    if match := last(MISSING_VARIABLE, output):
        name = next(filter(None, match.groups()))
        own = [url for word, url in OWN_URLS.items() if re.search(word, name)]
        value = f"'${own[0]}'" if own else "VALUE"
        return f"Give the variable {name} a value: --set {name}={value} here, and on the platform."
    match = last(OWN_SERVER, output)
    if match and int(match[1]) in SERVERS:
        return (
            f"The platform has no server at localhost:{match[1]}: set the variable that the project"
            " reads, such as --set CELERY_BROKER_URL='$REDIS_URL'."
        )
    if match := last(MISSING_MODULE, output):
        return advice_for_module(match, platform) or otherwise
    return otherwise


def last(pattern: re.Pattern, output: str) -> re.Match | None:
    """The last match: what was printed before may have been handled."""
    return next(reversed([*pattern.finditer(output)]), None)


def advice_for_module(match: re.Match, platform: Platform | None) -> str:
    """Advice on a module or a command that was not found; "" if it is of no package."""
    name, command = match.groups()
    if command:
        is_known = command in COMMANDS.split()
        return f"Add the package of {command} to the project's requirements." if is_known else ""
    top = name.partition(".")[0]
    if top in REMOVED_MODULES:
        return (
            f"Newer Pythons have no module {name}: update the package that imports it, or name"
            " an older Python in .python-version."
        )
    if platform and platform.source:
        for path in (f"{top}.py", top):
            if (platform.folder / path).exists():
                return f"The project has no module {name}."
            if (platform.source / path).exists():
                return f"{path} is not deployed: .gitignore or .slugignore leaves it out."
        if any(re.search(rf"(?<!-m )\b{top}\b", one) for one in platform.commands().values()):
            return f"A command of the project names {top}, which the project does not have."
        if top != name and buildpack.has_package(platform.folder, top):
            return f"The installed version of {top} has no module {name}: name another version."
    # The cause may be above the lines that are shown: each of several workers prints its own.
    return f"Add the package of {name} to the project's requirements: {match[0]}."


def build(stage: Stage) -> Finding:
    """Build as on the first deployment; if a step after the installation fails, as on a later one."""
    platform, note = stage.platform, ""
    environment = platform.build_environment(stage.given)
    try:
        platform.build(stage.given)
    except FinishFailed as failure:
        found = finish_again(stage, failure)
        if found.status != "ok":
            return found
        note = f", {found.text}"
    except BuildFailed as failure:
        return explain_build(stage, failure)
    libraries = platform.folder / buildpack.PYTHON_FOLDER
    count = len([*libraries.glob("lib/python*/site-packages/*.dist-info")])
    collects = ", collectstatic" if buildpack.collects_static(platform.folder, environment) else ""
    return Finding(f"{count} packages{collects}{note}", figures={"packages": count})


def explain_build(stage: Stage, failure: BuildFailed) -> Finding:
    text, _, output = str(failure).partition("\n")
    if "cannot be installed" in text:
        advice = COMPILED if re.search(r"Failed (to )?build|metadata-gen", output) else READ
    else:
        advice = advice_for(output or text, READ if output else "", stage.platform)
    return Finding().fail(text, advice, output)


def finish_again(stage: Stage, first: FinishFailed) -> Finding:
    """Finish the build with the variables of the services: a platform that builds with them has none
    on the first deployment only; on another no build has them.
    """
    try:
        stage.platform.finish(stage.environment)
    except FinishFailed as failure:
        return explain_build(stage, failure)
    needed = MISSING_VARIABLE.search(str(first))
    what = next(filter(None, needed.groups())) if needed else "the variables of add-ons"
    if stage.platform.builds_with_services:
        return Finding(f"needs {what}: create the add-on before the first deployment")
    found = explain_build(stage, first)
    found.text = f"{found.text} without variables that a build does not have"
    found.advice.append("Or give it a default in the settings that the build can do with.")
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
    command, postgres = stage.platform.commands()["release"], stage.services.postgres
    deadline, waited_since = time.monotonic() + RELEASE_SECONDS, None
    folder, environment = stage.platform.folder, stage.environment_of("release") | changes
    with Process(command, folder, environment, grace=1) as process:
        while process.is_running():
            time.sleep(0.1)
            waits = postgres.held_up(database)
            waited_since = (waited_since or time.monotonic()) if waits else None
            if waited_since and time.monotonic() - waited_since > LOCK_SECONDS:
                process.kill()
                return Finding().fail(
                    f"waits for a lock for more than {LOCK_SECONDS} s, and every query to that table"
                    " behind it",
                    "Set lock_timeout for migrations (SET lock_timeout = '5s'), and try again.",
                    process.output(),
                )
            if time.monotonic() > deadline:
                process.kill()
                return Finding().fail(f"no end after {RELEASE_SECONDS} s", "", process.output())
    if process.process.returncode:
        output = process.output()
        return Finding().fail(
            f"exit status {process.process.returncode}: the old release stays",
            advice_for(output, READ, stage.platform),
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
    with postgres.all_locked(database, "ACCESS SHARE"):
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
    except NotUp as failure:
        return Finding().fail(failure.reason, failure.advice, str(failure))
    except RuntimeError as failure:
        text = f"it ended after {time.monotonic() - started:.1f} s"
        advice = advice_for(str(failure), READ, stage.platform)
        return Finding().fail(text, advice, str(failure))
    megabytes = web.boot_megabytes
    answers = f", answers {web.path}" if web.boot_status < 400 else ""
    found = Finding(f"{megabytes:.0f} MB{answers}{lost_at_restart(stage.platform.folder)}")
    found.figures = {"boot_s": round(web.boot_seconds, 2), "megabytes": round(megabytes)}
    if megabytes > stage.platform.megabytes("web"):
        found.fail(
            f"{megabytes:.0f} MB of {stage.platform.megabytes('web')}",
            "Start fewer processes (WEB_CONCURRENCY), or take a larger plan.",
        )
    return found


def lost_at_restart(folder: Path) -> str:
    """The databases in the project's folder: https://devcenter.heroku.com/articles/sqlite3 and
    https://docs.digitalocean.com/products/app-platform/how-to/store-data/
    """
    found = (path for pattern in ("*.sqlite*", "*.db") for path in sorted(folder.rglob(pattern)))
    own = [path.relative_to(folder) for path in found if path.is_file()]
    names = ", ".join(str(path) for path in own if path.parts[0] != ".heroku")
    return f"; a restart deletes what is written to {names} (SQLite)" if names else ""
