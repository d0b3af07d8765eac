"""Rehearse a project: its steps one after another, on servers that end with the run."""

import time
from argparse import Namespace
from http.client import HTTPException
from pathlib import Path

import psutil
import psycopg

from rehearse import buildpack, isolation, project
from rehearse.findings import NOT_RUN, Finding, Rehearsed
from rehearse.platforms import PLATFORMS
from rehearse.report.text import Table
from rehearse.stage import Stage
from rehearse.steps import STEPS, Step


def rehearse(rehearsed: Rehearsed, options: Namespace, folder: Path, table: Table) -> None:
    """Rehearse a copy of the project in ``options.folder``, and fill in ``rehearsed``.

    ``folder`` is an empty folder for all that the run writes. Steps that ``options.only`` does not
    name are left out, but for those that are needed. Raises CannotStart or BuildFailed.
    """
    started, source = time.monotonic(), options.folder
    given, only = dict(options.given), options.only
    platform_class = project.choose(source, options.platform)
    rehearsed.platform = platform_class.title
    copied = project.copy(source, folder / "project", platform_class.ignore_file)
    platform = platform_class(copied, options.component)
    platform.source = source / platform.folder.relative_to(copied)
    platform.check()
    if not (platform.folder / buildpack.HOOKS[0]).is_file():  # which may write what is checked
        buildpack.check(platform.folder)
    platform.python, python = project.find_python(platform)
    platform.check_blanks(given)
    rehearsed.python, rehearsed.commands = python, platform.commands()
    others = [one for one in PLATFORMS.values() if one.reads(source) and one.name != platform.name]
    rehearsed.untried = [f"{one.title}: --platform {one.name} takes its file" for one in others]
    rehearsed.untried += platform.untried()
    table.begins(rehearsed)
    steps = [one for one in STEPS if one.is_needed or not only or one.name in only]
    last_needed = [one for one in steps if one.is_needed][-1]
    isolation.hide_servers(given)
    with Stage(platform, folder, given, options.paths or []) as stage:
        for step in steps:
            if step.applies(stage):
                rehearsed.findings.append(run_step(step, stage, rehearsed, table))
            if step is last_needed and not is_over(rehearsed):
                for one in steps:
                    one.begin(stage)
        rehearsed.pages = [*stage.paths, *stage.probes]
    rehearsed.seconds = time.monotonic() - started


def run_step(step: Step, stage: Stage, rehearsed: Rehearsed, table: Table) -> Finding:
    """Run it, unless one before that it needs has failed."""
    if is_over(rehearsed):
        finding = Finding("", NOT_RUN)
    else:
        table.step_begins(step.name)
        finding = timed(step, stage)
    finding.step = step.name
    table.step_ends(finding)
    return finding


def is_over(rehearsed: Rehearsed) -> bool:
    """Whether a step has failed that the later ones need, or without which they tell nothing."""
    needed = {one.name for one in STEPS if one.is_needed}
    return any(
        one.ends_run or (one.status != "ok" and one.step in needed and not one.can_go_on)
        for one in rehearsed.findings
    )


def timed(step: Step, stage: Stage) -> Finding:
    started = time.monotonic()
    try:
        finding = step.run(stage)
    except RuntimeError as error:  # a process that has to run did not boot
        finding = Finding().fail("the web process does not boot", "See the step boot.", str(error))
    except (OSError, ValueError, HTTPException, psutil.Error, psycopg.Error) as error:
        finding = Finding().fail(f"the connection failed: {error}", "", stage.output())
    finding.seconds = time.monotonic() - started
    return finding
