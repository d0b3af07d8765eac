"""In a terminal a bad answer is asked again, and prices are those of the platform."""

import json
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rehearse.processes import run
from tests.harness.checkouts import contributor, copy_template
from tests.harness.combinations import TEMPLATE

if sys.platform == "win32":
    pytest.skip("Windows has no such terminal.", allow_module_level=True)

from tests.harness.terminal import ASKED, Terminal, next_steps

HOOK = TEMPLATE / "hooks/post_gen_project.py"
CHOICE, YES_OR_NO = "Please select one of the available options", "Please enter Y or N"
# By question: a bad answer, part of its error, a good answer, and the value kept.
DIALOGUE = {
    "project_name": ('The "Site"', "must not contain a double quote; try", "The Site", "The Site"),
    "project_slug": ("class", "is a Python keyword; try 'my_class'.", "", "the_site"),
    "description": ("{{ 7 * 7 }}", "must not contain a brace; try", "", ""),
    "author_name": ("C:\\Ada", "must not contain a backslash; try", "Ada", "Ada"),
    "author_email": ("ada@localhost", "is not an e-mail address; try", "", ""),
    "platform": ("aws", CHOICE, "2", "digitalocean"),
    "server": ("5", CHOICE, "4", "wsgi-waitress"),
    "use_celery": ("maybe", YES_OR_NO, "", False),
    "use_s3_media": ("S3", YES_OR_NO, "y", True),
    "python_version": ("3.11", CHOICE, "", "3.13"),
}
PRICES = {
    "heroku": ("Redis, 3 dollars", "7 dollars a month", "S3, cents"),
    "digitalocean": ("Valkey, 15 dollars", "a worker is 5 dollars", "Spaces, 5"),
}


def assert_dialogue(command: str, folder: Path, dialogue: dict) -> None:
    """Each bad answer is asked for again, no default is empty, and each price is the platform's."""
    answers = {name: (bad, good) for name, (bad, _, good, _) in dialogue.items()}
    with Terminal(command, folder, contributor(folder)) as terminal:
        status, shown = terminal.answer(answers)
    assert status == 0, shown
    assert "Traceback" not in shown
    assert "()" not in shown
    for name, (_, sentence, *_) in dialogue.items():
        assert sentence in shown, name
    for platform, prices in PRICES.items():
        is_chosen = platform == dialogue["platform"][-1]
        assert [price in shown for price in prices] == [is_chosen] * len(prices)


def assert_kept(path: Path, dialogue: dict) -> None:
    """The file holds the good answers."""
    content = json.loads(path.read_text())
    given = content.get("context", content)["cookiecutter"]
    assert {name: given[name] for name in ASKED} == {
        name: kept for name, (*_, kept) in dialogue.items()
    }


def test_cookiecutter_asks_again_for_a_bad_answer_and_keeps_the_good_ones(tmp_path):
    (tmp_path / "my_class").mkdir()
    taken = ("my_class", "my_class is there already; try 'my_class_2'.", "", "the_site")
    command = f"{shlex.quote(sys.executable)} -m cookiecutter {TEMPLATE}"
    assert_dialogue(command, tmp_path, DIALOGUE | {"project_slug": taken})
    replay = tmp_path / f".cookiecutter_replay/{TEMPLATE.name}.json"
    assert_kept(replay, DIALOGUE)


def test_cruft_asks_again_for_a_bad_answer_and_keeps_the_good_ones(tmp_path):
    template = copy_template(tmp_path / "template")
    commit = "git init --quiet && git add --all && git commit --quiet -m Now"
    run(commit, template, contributor(tmp_path))
    dialogue = DIALOGUE | {"platform": ("aws", CHOICE, "1", "heroku")}
    assert_dialogue(f"cruft create {template}", tmp_path, dialogue)
    assert_kept(tmp_path / "the_site/.cruft.json", dialogue)


@pytest.fixture
def hook():
    """The global names of the hook that prints the next steps."""
    return runpy.run_path(str(HOOK))


def test_without_a_shell_s_folder_the_path_is_absolute(hook, tmp_path, monkeypatch):
    monkeypatch.delenv("PWD", raising=False)
    assert hook["path_to_type"](tmp_path) == str(tmp_path)


ON_OLD_PYTHON = """
import runpy, sys
sys.version_info = (3, 11, 9, "final", 0)
hook = runpy.run_path(sys.argv[1])
hook["print_next_steps"]({"project_name": "My Site", "python_version": "3.13"})
"""


def test_an_old_python_gets_one_sentence_with_what_to_do(tmp_path):
    words, environment = [sys.executable, "-c", ON_OLD_PYTHON, str(HOOK)], {"PATH": str(tmp_path)}
    printed = subprocess.check_output(words, text=True, cwd=tmp_path, env=environment)
    assert printed.count("Python 3.11 is too old for the project: first install Python 3.13") == 1
    assert next_steps(printed)[1] == "python3.13 -m venv .venv && . .venv/bin/activate"


def test_an_older_python_that_suffices_is_taken_and_one_that_does_not_run_is_not(
    hook, tmp_path, monkeypatch
):
    for name, status in {"python3.13": 1, "python3.14": 1, "python3.12": 0}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {status}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    # Not the version that runs the tests: find_python() takes that one without a trial.
    other = "3.13" if sys.version_info[:2] == (3, 14) else "3.14"
    assert hook["find_python"](other) == "python3.12"


def test_windows_powershell_gets_commands_of_its_own(hook):
    assert hook["powershell_commands"](r"..\it's here", None, "py -3.13") == [
        r"cd '..\it''s here'",
        "py -3.13 -m venv .venv",
        r".venv\Scripts\python -m pip install -r requirements-dev.txt",
        "cp .env.example .env",
        r".venv\Scripts\python manage.py migrate",
        r".venv\Scripts\python manage.py runserver",
    ]
    with_uv = hook["powershell_commands"]("my_site", r"C:\uv.exe", "py -3.13")
    assert with_uv[1:3] == ["uv venv", "uv pip install -r requirements-dev.txt"]
