"""The dialogue in a terminal, and the next steps that it ends with."""

import runpy
import shlex
import subprocess
import sys

import pytest

from rehearse.processes import run
from tests.harness.checkouts import contributor, copy_template
from tests.harness.combinations import TEMPLATE

if sys.platform == "win32":
    pytest.skip("Windows has no such terminal.", allow_module_level=True)

from tests.harness.terminal import Terminal, next_steps

HOOK = TEMPLATE / "hooks/post_gen_project.py"
CHOICE, YES_OR_NO = "Please select one of the available options", "Please enter Y or N"
# By question: a bad choice, which Cookiecutter asks for again, and a good one.
CHOICES = {
    "platform": (("aws", "2"), CHOICE),
    "server": (("5", "4"), CHOICE),
    "use_celery": (("maybe", ""), YES_OR_NO),
}
COMMANDS = [f"{shlex.quote(sys.executable)} -m cookiecutter", "cruft create"]


@pytest.fixture
def ask(tmp_path):
    """A function that answers the questions of a command, and returns its status and output."""
    template = copy_template(tmp_path / "template")
    run(
        "git init --quiet && git add --all && git commit --quiet -m Now",
        template,
        contributor(tmp_path),
    )

    def answer(command: str, answers: dict, last: str = "") -> tuple[int, str]:
        with Terminal(f"{command} {template}", tmp_path, contributor(tmp_path)) as terminal:
            return terminal.answer(answers, last)

    return answer


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bad_text_ends_the_dialogue_with_a_sentence_and_no_file(ask, tmp_path, command):
    status, shown = ask(command, {"project_slug": ("class",)}, "author_email")
    assert status == 1
    assert shown.endswith("project_slug 'class' is a Python keyword; try 'my_class'.")
    assert not (tmp_path / "class").exists()


def test_a_bad_choice_is_asked_for_again(ask, tmp_path):
    command = COMMANDS[0]
    answers = {name: given for name, (given, _) in CHOICES.items()}
    status, shown = ask(command, answers | {"project_name": ("The Site",)})
    assert status == 0, shown
    assert all(sentence in shown for _, sentence in CHOICES.values())
    assert (tmp_path / "the_site/.do/app.yaml").exists()
    assert "waitress" in (tmp_path / "the_site/.do/app.yaml").read_text()


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


def test_an_older_python_that_suffices_is_taken_if_it_runs(hook, tmp_path, monkeypatch):
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
