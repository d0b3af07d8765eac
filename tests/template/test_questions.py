"""The questions in a terminal: a bad answer costs nothing, and what is printed last can be pasted."""

import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from uv import find_uv_bin

from rehearsal.combinations import CHOICES, OPTIONS, QUESTIONS, TEMPLATE
from rehearsal.processes import bare_environment, run

PROGRAMS = Path(sys.executable).parent
COOKIECUTTER = f"{shlex.quote(sys.executable)} -m cookiecutter"
ASKED = [name for name in QUESTIONS if not name.startswith("_")]
ME = "-c user.name=Ada -c user.email=ada@example.com"
# To each question a bad answer, what is said of it, a good answer, and what comes of that.
DIALOGUE = {
    "project_name": ('The "Site"', "must not contain a double quote; try", "The Site", "The Site"),
    "project_slug": ("class", "is a Python keyword; try 'my_class'.", "", "the_site"),
    "description": ("{{ 7 * 7 }}", "must not contain a brace; try", "", ""),
    "author_name": ("C:\\Ada", "must not contain a backslash; try", "Ada", "Ada"),
    "author_email": ("ada@localhost", "is not an e-mail address; try", "", ""),
    "platform": ("aws", "Please select one of the available options", "2", "digitalocean"),
    "server": ("5", "Please select one of the available options", "4", "wsgi-waitress"),
    "use_celery": ("maybe", "Please enter Y or N", "", False),
    "use_s3_media": ("S3", "Please enter Y or N", "y", True),
    "python_version": ("3.11", "Please select one of the available options", "", "3.13"),
}


@pytest.fixture
def home(tmp_path) -> Path:
    """An empty home directory, which is also where commands are typed."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """The working tree as it stands, committed in a repository of its own."""
    folder = tmp_path_factory.mktemp("template") / "template"
    ignored = shutil.ignore_patterns(".git", ".venv", ".hypothesis", "report", ".*_cache")
    shutil.copytree(TEMPLATE, folder, ignore=ignored)
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    command = f"git init --quiet && git add --all && git {ME} commit --quiet -m Now"
    run(command, folder, bare_environment(PROGRAMS, folder.parent))


def type_in(command: str, home: Path) -> pexpect.spawn:
    """Type the command in a terminal, one without colours."""
    environment = bare_environment(PROGRAMS, home) | {"TERM": "dumb"}
    return pexpect.spawn(
        "bash",
        ["-c", command],
        cwd=str(home),
        env=environment,
        encoding="utf-8",
        timeout=60,
        echo=False,
    )


def answer(terminal: pexpect.spawn, dialogue: dict) -> str:
    """Give these answers, and return what was shown to the end of the command, as one line."""
    shown = ""
    for number, name in enumerate(ASKED, start=1):
        for text in dialogue.get(name, ("",)):
            terminal.expect_exact(f"[{number}/{len(ASKED)}] ")
            shown += terminal.before
            terminal.expect(r": $")
            shown += terminal.before
            terminal.sendline(text)
    terminal.expect(pexpect.EOF)
    terminal.close()
    return " ".join(f"{shown} {terminal.before}".split())


@pytest.mark.parametrize("tool", ["cookiecutter", "cruft"])
def test_a_bad_answer_is_asked_for_again_and_the_good_ones_count(home, repository, tool):
    command = f"{COOKIECUTTER} {TEMPLATE}"
    if tool == "cruft":
        command = f"cruft create {repository}"
    terminal = type_in(command, home)
    shown = answer(terminal, {name: (bad, good) for name, (bad, _, good, _) in DIALOGUE.items()})
    assert terminal.exitstatus == 0, shown
    assert "Traceback" not in shown
    for name, (_, sentence, *_) in DIALOGUE.items():
        assert sentence in shown, name
    if tool == "cruft":
        given = json.loads((home / "the_site/.cruft.json").read_text())["context"]["cookiecutter"]
    else:
        replay = home / f".cookiecutter_replay/{TEMPLATE.name}.json"
        given = json.loads(replay.read_text())["cookiecutter"]
    assert {name: given[name] for name in ASKED} == {
        name: kept for name, (*_, kept) in DIALOGUE.items()
    }


@pytest.mark.parametrize(
    ("number", "prices", "others"),
    [
        ("1", ["Redis, 3 dollars", "7 dollars a month", "S3, cents"], ["15 dollars", "Spaces"]),
        ("2", ["Valkey, 15 dollars", "a worker is 5 dollars", "Spaces, 5"], ["7 dollars", "S3,"]),
    ],
)
def test_prices_are_of_the_chosen_platform_and_no_default_is_empty(home, number, prices, others):
    shown = answer(type_in(f"{COOKIECUTTER} {TEMPLATE}", home), {"platform": (number,)})
    assert [price for price in prices if price not in shown] == []
    assert [price for price in others if price in shown] == []
    assert "()" not in shown


def test_the_recommended_choice_is_the_first_and_the_only_one_marked():
    lists = [name for name in [*CHOICES, "python_version"] if name not in OPTIONS]
    assert len(lists) == 3
    for name in lists:
        labels = [QUESTIONS["__prompts__"][name][choice] for choice in QUESTIONS[name]]
        assert ["(recommended)" in label for label in labels] == [True] + [False] * len(labels[1:])


def test_a_folder_that_is_there_is_refused_at_its_question(home):
    (home / "my_site").mkdir()
    shown = answer(type_in(f"{COOKIECUTTER} {TEMPLATE}", home), {"project_slug": ("", "my_site_2")})
    assert "project_slug 'my_site': my_site is there already; try 'my_site_2'." in shown
    assert (home / "my_site_2/manage.py").exists()


def test_the_first_command_of_the_readme_makes_a_project(home, repository):
    command = re.search(
        r"^uvx cookiecutter gh:(.+)$", (TEMPLATE / "README.md").read_text(), re.MULTILINE
    )
    address = home / command[1]
    address.parent.mkdir()
    address.symlink_to(repository)
    # GitHub, in this folder; the newest Cookiecutter is downloaded.
    (home / ".cookiecutterrc").write_text(f'abbreviations:\n  gh: "git+file://{home}/{{0}}"\n')
    programs = f"{Path(find_uv_bin()).parent}:{os.environ['PATH']}"
    environment = os.environ | {"HOME": str(home), "PATH": programs, "TERM": "dumb"}
    environment = {name: value for name, value in environment.items() if name[:3] != "UV_"}
    terminal = pexpect.spawn(
        "bash",
        ["-c", command[0]],
        cwd=str(home),
        env=environment,
        encoding="utf-8",
        timeout=180,
        echo=False,
    )
    shown = answer(terminal, {"project_slug": ("class", "")})
    assert "try 'my_class'." in shown
    assert "cd my_site" in shown
    assert (home / "my_site/manage.py").exists()


def test_an_unknown_name_on_the_command_line_is_refused_before_the_first_question(home):
    for options in ("", "--no-input"):
        terminal = type_in(f"{COOKIECUTTER} {TEMPLATE} {options} project_nam=Shop", home)
        assert terminal.read() == "project_nam is not a question; try 'project_name'.\r\n"
        terminal.close()
        assert terminal.exitstatus == 1


# Where Cookiecutter finds a template: each time in a folder that Python knows nothing of.
@pytest.mark.parametrize("address", ["git+file://{}", "{}.zip", "{}"])
def test_bad_answers_are_refused_wherever_the_template_comes_from(home, repository, address):
    archive = f"git archive --format=zip --prefix=template/ --output={repository}.zip HEAD"
    run(archive, repository, bare_environment(PROGRAMS, home))
    command = f"{COOKIECUTTER} --no-input {address.format(repository)} project_slug=class"
    terminal = type_in(command, home)
    assert terminal.read().endswith("project_slug 'class' is a Python keyword; try 'my_class'.\r\n")
    terminal.close()
    assert terminal.exitstatus == 1
    assert not (home / "class").exists()


def test_cruft_ends_with_the_sentences_and_writes_nothing(home, repository):
    answers = shlex.quote(json.dumps({"project_slug": "class", "author_email": "ada"}))
    terminal = type_in(f"cruft create {repository} --no-input --extra-context {answers}", home)
    lines = terminal.read().splitlines()
    terminal.close()
    assert terminal.exitstatus == 1
    assert "project_slug 'class' is a Python keyword" in lines[-2]
    assert lines[-1].startswith("author_email 'ada' is not an e-mail address")
    assert list(home.glob("[!.]*")) == []


def test_a_replay_is_judged_by_the_hook(home):
    environment = bare_environment(PROGRAMS, home)
    run(f"{COOKIECUTTER} --no-input {TEMPLATE} project_slug=ours", home, environment)
    replay = home / f".cookiecutter_replay/{TEMPLATE.name}.json"
    replay.write_text(replay.read_text().replace('"ours"', '"json"'))
    terminal = type_in(f"{COOKIECUTTER} --replay {TEMPLATE}", home)
    shown = terminal.read()
    terminal.close()
    assert terminal.exitstatus == 1
    assert shown.startswith("project_slug 'json' is a module of Python's standard library;")
    assert "Traceback" not in shown
    assert not (home / "json").exists()


def test_a_cookiecutter_that_asks_otherwise_still_refuses_bad_answers(home):
    program = """
from cookiecutter import cli, prompt
ask = prompt.read_user_variable
prompt.read_user_variable = lambda name, default, *others: ask(name, default, *others)
cli.main()
"""
    terminal = type_in(f"{sys.executable} -c {shlex.quote(program)} {TEMPLATE}", home)
    shown = answer(terminal, {"project_slug": ("class",)})
    assert shown.endswith("project_slug 'class' is a Python keyword; try 'my_class'.")
    assert terminal.exitstatus == 1
    assert not (home / "class").exists()


def test_an_update_prints_nothing_of_ours_and_keeps_the_newest_rules(home, repository, tmp_path):
    template = shutil.copytree(repository, tmp_path / "template")
    environment = bare_environment(PROGRAMS, home)
    made = run(f"cruft create {template} --no-input", home, environment)
    assert "cd my_site" in made
    commit(home / "my_site")
    readme = template / "{{cookiecutter.project_slug}}/README.md"
    readme.write_text(readme.read_text() + "\nNew.\n")
    commit(template)
    updated = run("cruft diff && cruft update --skip-apply-ask", home / "my_site", environment)
    assert (
        updated.strip()
        == "Good work! Project's cruft has been updated and is as clean as possible!"
    )
    assert (home / "my_site/README.md").read_text().endswith("\nNew.\n")

    commit(home / "my_site")
    hook = template / "hooks/pre_gen_project.py"
    hook.write_text(hook.read_text().replace("\n    config media ", "\n    my_site config media "))
    commit(template)
    terminal = type_in("cd my_site && cruft update --skip-apply-ask", home)
    refused = "FailedHookException: project_slug 'my_site' is a package the project itself uses"
    assert refused in " ".join(terminal.read().split())


def next_steps(printed: str) -> list[str]:
    """The commands that are printed."""
    return re.findall(r"^    (\S.*)$", printed, re.MULTILINE)


@pytest.mark.parametrize(
    ("folder", "options", "path"),
    [
        (".", "", "my_site"),
        ("clone", "--output-dir ..", "../my_site"),
        (".", '--output-dir "it\'s here"', "it's here/my_site"),
        ("clone", "--output-dir $HOME/elsewhere", "../elsewhere/my_site"),
        # `cd ..` leads from a link to the folder where the link is.
        ("link", "--output-dir ..", "{home}/real/my_site"),
    ],
)
def test_the_printed_folder_is_right_from_where_the_user_is(home, folder, options, path):
    for name in ("clone", "real/deep"):
        (home / name).mkdir(parents=True)
    (home / "link").symlink_to("real/deep")
    environment = bare_environment(PROGRAMS, home)
    command = f"cd {folder} && {COOKIECUTTER} --no-input {options} {TEMPLATE}"
    cd = next_steps(run(command, home, environment))[0]
    assert cd == f"cd {shlex.quote(path.format(home=home))}"
    run(f"cd {folder} && {cd} && test -f manage.py", home, environment)


def test_without_our_extension_the_folder_is_absolute(home, monkeypatch):
    hook = runpy.run_path(str(TEMPLATE / "hooks/post_gen_project.py"))
    monkeypatch.delenv("PAAS_STARTED_IN", raising=False)
    assert hook["path_to_type"](home) == str(home)


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_the_printed_commands_work_as_pasted(home, tool):
    version = "{}.{}".format(*sys.version_info)
    programs = home / "bin"
    programs.mkdir()
    (programs / f"python{version}").symlink_to(Path(sys.executable).resolve())
    if tool == "uv":
        (programs / "uv").symlink_to(find_uv_bin())
    environment = os.environ | {"PATH": f"{programs}:{os.defpath}", "HOME": str(home)}
    command = f"{COOKIECUTTER} --no-input {TEMPLATE} python_version={version}"
    commands = next_steps(run(command, home, environment))
    venv = {"uv": "uv venv", "pip": f"python{version} -m venv .venv"}[tool]
    assert commands[1] == f"{venv} && . .venv/bin/activate"
    shell = pexpect.spawn("sh", cwd=str(home), env=environment, encoding="utf-8", timeout=180)
    for command in commands:
        shell.sendline(command)
    # Another process may have the port.
    shell.expect("development server at http|port is already in use")
    shell.terminate(force=True)


FAKE = """
import runpy, sys
sys.version_info = (3, 11, 9, "final", 0)
hook = runpy.run_path(sys.argv[1])
hook["print_next_steps"]({"project_name": "My Site", "python_version": "3.13"})
"""


def test_an_old_python_is_told_in_one_sentence_with_what_to_do(home):
    hook = TEMPLATE / "hooks/post_gen_project.py"
    printed = subprocess.run(
        [sys.executable, "-c", FAKE, str(hook)],
        check=True,
        capture_output=True,
        text=True,
        cwd=home,
        env={"PATH": str(home)},
    ).stdout
    assert printed.count("Python 3.11 is too old for the project: first install Python 3.13") == 1
    assert next_steps(printed)[1] == "python3.13 -m venv .venv && . .venv/bin/activate"


def test_an_older_python_that_suffices_is_taken_and_one_that_does_not_run_is_not(home, monkeypatch):
    for name, status in {"python3.13": 1, "python3.14": 1, "python3.12": 0}.items():
        (home / name).write_text(f"#!/bin/sh\nexit {status}\n")
        (home / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(home))
    hook = runpy.run_path(str(TEMPLATE / "hooks/post_gen_project.py"))
    # Not the version that runs the tests: find_python() takes that one without a trial.
    other = "3.13" if sys.version_info[:2] == (3, 14) else "3.14"
    assert hook["find_python"](other) == "python3.12"


def test_windows_powershell_gets_commands_of_its_own():
    hook = runpy.run_path(str(TEMPLATE / "hooks/post_gen_project.py"))
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
