"""A project from each kind of template address, its update, and the printed next steps."""

import json
import os
import re
import shlex
import sys
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.harness.checkouts import Checkout, contributor, copy_template
from tests.harness.combinations import TEMPLATE
from tests.harness.terminal import Terminal, next_steps

COOKIECUTTER = f"{shlex.quote(sys.executable)} -m cookiecutter"
README = (TEMPLATE / "README.md").read_text()
COMMIT = "git init --quiet\ngit add --all\ngit commit --quiet -m Now"


@pytest.fixture
def home(tmp_path) -> Checkout:
    """An empty home directory."""
    (tmp_path / "home").mkdir()
    return Checkout(tmp_path / "home", contributor(tmp_path / "home"))


@pytest.fixture
def template(home, tmp_path) -> Checkout:
    """The working tree as it stands, committed in a repository of its own."""
    checkout = Checkout(copy_template(tmp_path / "template"), home.environment)
    checkout.run(COMMIT)
    return checkout


def shown(home: Checkout, command: str, **answers: tuple[str, ...]) -> tuple[int, str]:
    """Run a command with these answers to its questions; return its exit status and output."""
    with Terminal(command, home.folder, home.environment) as terminal:
        return terminal.answer(answers) if answers else terminal.finish()


def test_the_command_of_the_readme_for_a_clone_makes_a_project_beside_it(home, template):
    command = re.search(r"^python3 -m venv .+cookiecutter .+$", README, re.MULTILINE)[0]
    owner = Checkout(template.folder, home.environment)
    _, printed = shown(owner, command, project_slug=("class", ""))
    assert "try 'my_class'." in printed
    assert (template.folder.parent / "my_site/manage.py").exists()


def test_the_command_of_the_readme_for_a_published_template_makes_a_project(home, template):
    command = re.search(r"^uvx cookiecutter gh:(.+)$", README, re.MULTILINE)
    address = home.folder / command[1]
    address.parent.mkdir()
    address.symlink_to(template.folder)
    # `gh:` means this folder instead of GitHub; uvx downloads the newest Cookiecutter.
    home.write(".cookiecutterrc", f'abbreviations:\n  gh: "git+file://{home.folder}/{{0}}"\n')
    programs = f"{Path(find_uv_bin()).parent}:{os.environ['PATH']}"
    others = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    home.environment = others | {"HOME": str(home.folder), "PATH": programs}
    _, printed = shown(home, command[0], project_slug=("class", ""))
    assert "try 'my_class'." in printed
    assert "cd my_site" in printed
    assert (home.folder / "my_site/manage.py").exists()


def test_bad_answers_are_refused_wherever_the_template_comes_from(home, template):
    archive = f"{template.folder}.zip"
    template.run(f"git archive --format=zip --prefix=template/ --output={archive} HEAD")
    # Each time the template is in a folder that is not on sys.path.
    for address in (f"git+file://{template.folder}", archive, template.folder):
        status, printed = shown(home, f"{COOKIECUTTER} --no-input {address} project_slug=class")
        assert printed.endswith("project_slug 'class' is a Python keyword; try 'my_class'.")
        assert status == 1
        assert not (home.folder / "class").exists()


def test_cruft_ends_with_the_sentences_and_writes_nothing(home, template):
    answers = shlex.quote(json.dumps({"project_slug": "class", "author_email": "ada"}))
    command = f"cruft create {template.folder} --no-input --extra-context {answers}"
    status, printed = shown(home, command)
    assert status == 1
    last = r"project_slug 'class' is a Python keyword; .+ author_email 'ada' is not an e-mail .+"
    assert re.search(f"{last}$", printed)
    assert list(home.folder.glob("[!.]*")) == []


def test_a_cookiecutter_that_asks_otherwise_still_refuses_bad_answers(home):
    program = """
from cookiecutter import cli, prompt
ask = prompt.read_user_variable
prompt.read_user_variable = lambda name, default, *others: ask(name, default, *others)
cli.main()
"""
    command = f"{sys.executable} -c {shlex.quote(program)} {TEMPLATE}"
    status, printed = shown(home, command, project_slug=("class",))
    assert printed.endswith("project_slug 'class' is a Python keyword; try 'my_class'.")
    assert status == 1
    assert not (home.folder / "class").exists()


def test_an_update_prints_nothing_of_ours_and_keeps_the_newest_rules(home, template):
    assert "cd my_site" in home.run(f"cruft create {template.folder} --no-input")
    project = Checkout(home.folder / "my_site", home.environment)
    project.run(COMMIT)
    template.append("{{cookiecutter.project_slug}}/README.md", "\nNew.\n")
    template.run(COMMIT)
    updated = project.run("cruft diff\ncruft update --skip-apply-ask").strip()
    assert updated == "Good work! Project's cruft has been updated and is as clean as possible!"
    assert project.read("README.md").endswith("\nNew.\n")

    project.run(COMMIT)
    reserved = "\n    config media "
    template.replace("hooks/pre_gen_project.py", reserved, f"\n    my_site{reserved[4:]}")
    template.run(COMMIT)
    _, printed = shown(project, "cruft update --skip-apply-ask")
    refused = "FailedHookException: project_slug 'my_site' is a package the project itself uses"
    assert refused in printed


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
        (home.folder / name).mkdir(parents=True)
    (home.folder / "link").symlink_to("real/deep")
    printed = home.run(f"cd {folder} && {COOKIECUTTER} --no-input {options} {TEMPLATE}")
    cd = next_steps(printed)[0]
    assert cd == f"cd {shlex.quote(path.format(home=home.folder))}"
    home.run(f"cd {folder} && {cd} && test -f manage.py")


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_the_printed_commands_work_as_pasted(home, tool):
    version = "{}.{}".format(*sys.version_info)
    programs = home.folder / "bin"
    programs.mkdir()
    (programs / f"python{version}").symlink_to(Path(sys.executable).resolve())
    if tool == "uv":
        (programs / "uv").symlink_to(find_uv_bin())
    home.environment = os.environ | {"PATH": f"{programs}:{os.defpath}", "HOME": str(home.folder)}
    printed = home.run(f"{COOKIECUTTER} --no-input {TEMPLATE} python_version={version}")
    commands = next_steps(printed)
    venv = {"uv": "uv venv", "pip": f"python{version} -m venv .venv"}[tool]
    assert commands[1] == f"{venv} && . .venv/bin/activate"
    with Terminal("\n".join(commands), home.folder, home.environment) as terminal:
        # Another process may have the port.
        terminal.screen.expect("development server at http|port is already in use", timeout=600)
