"""The template's own source: real code that parses as it stands, with every option in its place."""

import ast
import json
import re
import subprocess
from pathlib import Path

import pytest
from combinations import CHOICES, TEMPLATE
from ruff import find_ruff_bin

PROJECT = TEMPLATE / "{{cookiecutter.project_slug}}"

# How many files may tell the values of an option apart: its conditions, the hook's table and the
# private values derived from it all count. The numbers are what the options need today; raising
# one takes a reason, which belongs in the commit that does it.
#   platform: README, settings (Redis' certificate), checks (how to set a variable)
#   server: README, app.json, app.yaml; pyproject.toml and the two locks; settings, gunicorn.conf.py;
#           urls; and for Redis, which ASGI needs: checks and their test, health
BUDGET = {"platform": 3, "server": 12}
# Derived from the option, and so counted as it.
NAMES = {"platform": ["platform"], "server": ["server", "__interface", "__app_server"]}


def tracked(pattern: str) -> list[Path]:
    """The repository's files that match, but nothing that tools left there."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", pattern]
    listed = subprocess.run(command, cwd=TEMPLATE, check=True, capture_output=True, text=True)
    paths = [TEMPLATE / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.exists()]


@pytest.mark.parametrize("command", ["check", "format --check --diff"])
def test_ruff_is_content_with_the_source_as_it_stands(command):
    words = [find_ruff_bin(), *command.split(), "--no-cache", "."]
    done = subprocess.run(words, cwd=TEMPLATE, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_python_file_parses_as_it_stands():
    sources = tracked("*.py")
    assert PROJECT / "config/settings.py" in sources
    for path in sources:
        ast.parse(path.read_text(), path.name)


def files_naming(option: str) -> list[str]:
    pattern = "|".join(rf"\bcookiecutter\.{name}\b" for name in NAMES[option])
    found = [
        path.relative_to(PROJECT).as_posix()
        for path in tracked("{{cookiecutter.project_slug}}")
        if re.search(pattern, path.read_text())
    ]
    return sorted(found)


@pytest.mark.parametrize("option", CHOICES)
def test_no_option_is_named_in_more_files_than_its_budget(option):
    files = files_naming(option)
    print(option, len(files), files)
    assert len(files) <= BUDGET[option], files


def test_conditions_compare_only_with_answers_that_exist():
    questions = json.loads((TEMPLATE / "cookiecutter.json").read_text())
    known = {
        "platform": set(questions["platform"]),
        "server": set(questions["server"]),
        "__interface": {server.split("-")[0] for server in questions["server"]},
        "__app_server": {server.split("-")[1] for server in questions["server"]},
    }
    for path in tracked("{{cookiecutter.project_slug}}"):
        for name, value in re.findall(r'cookiecutter\.(\w+) == "([^"]+)"', path.read_text()):
            assert value in known[name], f"{path}: {name} is never {value}"


def test_every_file_in_the_hook_s_table_exists():
    source = (TEMPLATE / "hooks/post_gen_project.py").read_text()
    table = re.search(r"^ONLY_FOR = (\{.+?^\})", source, re.MULTILINE | re.DOTALL)[1]
    paths = [path for paths in ast.literal_eval(table).values() for path in paths]
    assert len(paths) > 5
    assert [path for path in paths if not (PROJECT / path).exists()] == []


def test_every_choice_has_a_label():
    questions = json.loads((TEMPLATE / "cookiecutter.json").read_text())
    labels = questions["__prompts__"]
    assert set(labels) == {name for name in questions if not name.startswith("_")}
    for name, values in CHOICES.items():
        if values != [True, False]:
            assert set(labels[name]) == {"__prompt__", *values}


def test_only_what_this_project_is_made_of_lies_at_the_top():
    top = {path.relative_to(TEMPLATE).parts[0] for path in tracked(".")}
    for_users = "cookiecutter.json {{cookiecutter.project_slug}} hooks tests README.md LICENSE"
    for_maintainers = """
        .ci .github .gitignore .python-version CHANGELOG.md CONTRIBUTING.md docs pyproject.toml
        requirements.txt scripts
    """
    assert top == set(f"{for_users} {for_maintainers}".split())
