"""The steps of a project's documents remove its examples and its account pages; what is left works."""

import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from rehearse.processes import developer_environment
from tests.harness.assertions import assert_valid_files
from tests.harness.checkouts import Checkout
from tests.harness.combinations import COMBINATIONS, by_name, for_combinations, is_asgi
from tests.harness.recipes import follow, read_recipes

# test_workflow.py uses this one too, and so shares its virtual environment.
ASGI = "heroku-asgi-uvicorn-use_celery-use_s3_media"
WSGI = "digitalocean-wsgi-gunicorn-use_celery-use_s3_media"
EXAMPLES = {
    "presence": is_asgi,
    "welcome": lambda answers: answers["use_celery"],
    "pictures": lambda answers: answers["use_s3_media"],
}
# The edits of a step: delete a line, or all from one line to another; or change a part.
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


def steps_without_accounts(folder: Path) -> list[str]:
    """The steps of docs/operations.md that remove the account pages."""
    section = (folder / "docs/operations.md").read_text().partition("\n## Accounts\n")[2]
    return re.findall(r"^\d\. (.+)", section.partition("\n## ")[0], re.MULTILINE)


def pattern(edit: re.Match) -> str:
    """The regular expression of the text to edit."""
    text = {name: re.escape(found) for name, found in edit.groupdict().items() if found}
    if "old" in text:
        return text["old"]
    if "line" in text:
        return rf"^ *{text['line']}\n"
    return rf"^ *{text['first']}\n(?:.*\n)*? *{text['last']}\n"


def perform(owner: Checkout, step: str) -> None:
    """Edit the file that the step names, or run its one command."""
    spans = re.findall(r"`([^`]+)`", step)
    if not step.startswith("In "):
        [command] = spans
        owner.run(command)
        return
    edits = list(EDIT.finditer(step))
    name, *texts = spans
    assert [text for edit in edits for text in edit.groups() if text] == texts, step
    for edit in edits:
        [found] = re.finditer(pattern(edit), owner.read(name), re.MULTILINE)
        owner.replace(name, found[0], edit["new"] or "")


def remove(owner: Checkout, names: list[str]) -> None:
    """Perform the steps that remove these examples, then the checks."""
    owner.run("python manage.py migrate")
    steps = removals(owner.folder)
    for step in [step for name in names for step in steps[name]]:
        perform(owner, step)
    assert_no_tables(owner, names)
    assert_gone(owner.folder, names)
    owner.run("make fix check\npython manage.py check")


def assert_no_tables(owner: Checkout, apps: list[str]) -> None:
    with closing(sqlite3.connect(owner.folder / "db.sqlite3")) as database:
        tables = [table for (table,) in database.execute("SELECT name FROM sqlite_master")]
    assert "users_user" in tables
    assert [table for table in tables if table.startswith(tuple(apps))] == []


def assert_gone(folder: Path, names: list[str]) -> None:
    assert [path for name in names for path in folder.glob(f"*/{name}*")] == []
    mention = re.compile(rf"^\s*(from|import) ({'|'.join(names)})\b", re.MULTILINE)
    assert [path for path in folder.rglob("*.py") if mention.search(path.read_text())] == []


@for_combinations(COMBINATIONS)
def test_every_example_of_a_project_is_removed_in_six_steps_at_most(project, tmp_path):
    steps = removals(project.folder)
    assert list(steps) == [name for name, has in EXAMPLES.items() if has(project.answers)]
    folder = project.checkout(tmp_path.name)
    owner = Checkout(folder, developer_environment(Path(sys.executable).parent, folder))
    for name, (drop, *others) in steps.items():
        assert f"`python manage.py migrate {name} zero`" in drop
        assert 1 <= len(others) <= 5
        for step in others:
            perform(owner, step)
    owner.run("make fix", RUFF_NO_CACHE="true")
    assert_valid_files(owner.folder)
    assert_gone(owner.folder, list(EXAMPLES))
    _, *others = steps_without_accounts(project.folder)
    for step in others:
        perform(owner, step)
    owner.run("make fix", RUFF_NO_CACHE="true")
    assert_valid_files(owner.folder)
    assert (
        owner.run("grep -rlE 'allauth|ACCOUNT_|account_' --include=*.py --include=*.html . || true")
        == ""
    )


@for_combinations(by_name(ASGI), apart="removal")
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_project_without_one_example_passes_its_checks_and_tests(developer, name):
    follow(developer, read_recipes("recipes.md")["A chat"])  # a WebSocket that stays
    remove(developer, [name])
    # Other code that needs this example fails in the next test, which removes all.
    others = [f"{other}/tests.py" for other in EXAMPLES if other != name]
    assert " passed" in developer.run(f"pytest pages {' '.join(others)}")


@for_combinations(by_name(ASGI, WSGI), apart="removal")
def test_a_project_without_any_example_passes_its_checks_and_tests(developer):
    remove(developer, list(removals(developer.folder)))
    assert " passed" in developer.run("pytest")


VISIT = """
from django.test import Client
from users.models import User
User.objects.create_superuser("ada", "ada@example.com", "correct horse")
visitor, form = Client(SERVER_NAME="localhost"), "/admin/login/"
print([visitor.get(path).status_code for path in ("/accounts/login/", "/.well-known/change-password")])
assert "/accounts/" not in visitor.get("/").text
for login in ("ada", "ADA@example.com"):
    visitor.post(form, {"username": login, "password": "correct horse"})
    page = visitor.get("/")
    assert "Welcome, ada." in page.text and "Admin" in page.text
    print(visitor.get("/admin/users/user/").status_code, visitor.post("/admin/logout/").status_code)
    assert "Welcome" not in visitor.get("/").text
data = {"username": "ada", "password": "wrong"}
print([visitor.post(form, data).status_code for _ in range(6)])
"""
VISITED = ["[404, 404]", "200 302", "200 302", "[200, 200, 200, 200, 429, 429]"]


@for_combinations(by_name(ASGI, WSGI), apart="removal")
def test_a_project_without_account_pages_keeps_users_and_the_admin_with_its_lockout(developer):
    steps = steps_without_accounts(developer.folder)
    remove(developer, list(removals(developer.folder)))
    for step in steps:
        perform(developer, step)
    assert_no_tables(developer, ["account_", "mfa_", "usersessions_"])
    developer.run("make fix check\npython manage.py check\npython manage.py migrate")
    printed = developer.run_script(VISIT)
    assert re.findall(r"^(?:\[[\d, ]+\]|200 \d+)$", printed, re.MULTILINE) == VISITED
    assert " passed" in developer.run("pytest")
