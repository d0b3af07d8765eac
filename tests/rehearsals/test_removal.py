"""The generated README's steps remove its examples, and leave a project that works."""

import re
import shlex
import shutil
from itertools import chain
from pathlib import Path

import pytest

from rehearsal.combinations import COMBINATIONS, by_name, for_combinations, is_asgi
from rehearsal.processes import developer_environment, run

ASGI, WSGI = (
    "heroku-asgi-daphne-use_celery-use_s3_media",
    "digitalocean-wsgi-gunicorn-use_celery-use_s3_media",
)
EXAMPLES = {
    "presence": is_asgi,
    "welcome": lambda answers: answers["use_celery"],
    "pictures": lambda answers: answers["use_s3_media"],
}
CHECKS = """
    ruff check . && ruff format --check . && mypy . && python manage.py check &&
    python manage.py makemigrations --check --dry-run
"""
SHOW = """
from django.apps import apps
from django.db import connection
print(list(apps.app_configs))
print(connection.introspection.table_names())
"""
# What a step says of a file: delete a line, or all from one line to another; or change a part.
EDIT = re.compile(
    r"delete `(?P<line>[^`]+)`"
    r"|delete from `(?P<first>[^`]+)` to `(?P<last>[^`]+)`"
    r"|change `(?P<old>[^`]+)` to `(?P<new>[^`]+)`"
)


def removals(folder: Path) -> dict[str, list[str]]:
    """The steps of README.md that remove each example, by its name."""
    section = (folder / "README.md").read_text().partition("## Remove the examples\n")[2]
    lists = re.findall(r"^`(\w+)`, .+:\n\n((?:\d\. .+\n)+)", section, re.MULTILINE)
    return {name: re.findall(r"^\d\. (.+)", steps, re.MULTILINE) for name, steps in lists}


def edit(text: str, change: dict[str, str | None]) -> str:
    if change["old"]:
        assert text.count(change["old"]) == 1, change
        return text.replace(change["old"], str(change["new"]))
    lines = text.splitlines(keepends=True)
    stripped = [line.strip() for line in lines]
    first, last = (change["first"] or change["line"], change["last"] or change["line"])
    assert stripped.count(first) == 1, change
    start = stripped.index(first)
    end = stripped.index(last, start)
    return "".join(lines[:start] + lines[end + 1 :])


class Owner:
    """Someone who works in a copy of the project, in ``folder``."""

    def __init__(self, folder: Path, programs: Path):
        self.folder = folder
        self.environment = developer_environment(programs, folder)

    def run(self, command: str) -> str:
        return run(command, self.folder, self.environment)

    def perform(self, step: str) -> None:
        """Edit the file that the step names, or run its one command."""
        file = re.match(r"In `([^`]+)` ", step)
        if file is None:
            [command] = re.findall(r"`([^`]+)`", step)
            self.run(command)
            return
        changes = list(EDIT.finditer(step))
        spans = [text for change in changes for text in change.groups() if text]
        assert [file[1], *spans] == re.findall(r"`([^`]+)`", step), step
        path = self.folder / file[1]
        text = path.read_text()
        for change in changes:
            text = edit(text, change.groupdict())
        path.write_text(text)


@pytest.fixture
def owner(project, tmp_path) -> Owner:
    folder = project.checkout(tmp_path.name)
    shutil.copy(folder / ".env.example", folder / ".env")
    owner = Owner(folder, project.environment("requirements-dev.txt"))
    owner.run("python manage.py migrate")
    return owner


def assert_removed(owner: Owner, names: list[str]) -> None:
    """Neither the apps nor their tables and pages are there."""
    apps, tables = owner.run(f"python manage.py shell -v 0 -c {shlex.quote(SHOW)}").splitlines()
    assert "users" in apps
    assert "users_user" in tables
    assert [name for name in names if f"'{name}'" in apps or f"'{name}_" in tables] == []
    assert [path for name in names for path in owner.folder.glob(f"*/{name}*")] == []


@for_combinations(COMBINATIONS)
def test_every_example_of_a_project_comes_off_in_five_steps_at_most(project):
    steps = removals(project.folder)
    assert list(steps) == [name for name, has in EXAMPLES.items() if has(project.answers)]
    assert all(2 <= len(each) <= 5 for each in steps.values())


def perform(owner: Owner, names: list[str]) -> None:
    """Remove these examples; the project's tests then start the server as the platform does."""
    steps = removals(owner.folder)
    for step in chain.from_iterable(steps[name] for name in names):
        owner.perform(step)
    assert_removed(owner, names)
    owner.run(CHECKS)
    assert " passed" in owner.run("pytest")


@for_combinations(by_name(ASGI))
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_project_without_one_example_passes_its_checks_and_tests(owner, name):
    perform(owner, [name])


@for_combinations(by_name(ASGI, WSGI))
def test_a_project_without_any_example_passes_its_checks_and_tests(owner):
    perform(owner, list(removals(owner.folder)))
