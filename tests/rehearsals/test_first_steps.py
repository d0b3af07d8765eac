"""A project from each kind of template address, and the next steps that are printed."""

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


@pytest.fixture
def home(tmp_path) -> Checkout:
    """An empty home directory."""
    (tmp_path / "home").mkdir()
    return Checkout(tmp_path / "home", contributor(tmp_path / "home"))


@pytest.fixture
def template(home, tmp_path) -> Checkout:
    """The working tree as it stands, committed in a repository of its own."""
    checkout = Checkout(copy_template(tmp_path / "template"), home.environment)
    checkout.run("git init --quiet\ngit add --all\ngit commit --quiet -m Now")
    return checkout


def shown(home: Checkout, command: str, answers: dict | None = None) -> tuple[int, str]:
    """Run a command, with these answers if it asks; return its exit status and output."""
    with Terminal(command, home.folder, home.environment) as terminal:
        return terminal.finish() if answers is None else terminal.answer(answers)


def test_command_in_the_readme_for_a_clone_works(home, template):
    command = re.search(r"^python3 -m venv .+cookiecutter .+$", README, re.MULTILINE)[0]
    owner = Checkout(template.folder, home.environment)
    assert shown(owner, command, answers={})[0] == 0
    assert (template.folder.parent / "my_site/manage.py").exists()


def test_command_in_the_readme_for_a_published_template_works(home, template):
    command = re.search(r"^uvx cookiecutter gh:(.+)$", README, re.MULTILINE)
    address = home.folder / command[1]
    address.parent.mkdir()
    address.symlink_to(template.folder)
    # `gh:` means this folder instead of GitHub; uvx downloads the newest Cookiecutter.
    home.write(".cookiecutterrc", f'abbreviations:\n  gh: "git+file://{home.folder}/{{0}}"\n')
    programs = f"{Path(find_uv_bin()).parent}:{os.environ['PATH']}"
    others = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    home.environment = others | {"HOME": str(home.folder), "PATH": programs}
    _, printed = shown(home, command[0], answers={})
    assert "cd my_site" in printed
    assert (home.folder / "my_site/manage.py").exists()


def test_invalid_answers_are_rejected_wherever_the_template_comes_from(home, template):
    archive = f"{template.folder}.zip"
    template.run(f"git archive --format=zip --prefix=template/ --output={archive} HEAD")
    # Each time the template is in a folder that is not on sys.path.
    for command in (
        f"{COOKIECUTTER} --no-input git+file://{template.folder} project_slug=class",
        f"{COOKIECUTTER} --no-input {archive} project_slug=class",
        f"{COOKIECUTTER} --no-input {template.folder} project_slug=class",
        f'cruft create {template.folder} --no-input --extra-context \'{{"project_slug": "class"}}\'',
    ):
        status, printed = shown(home, command)
        assert "project_slug 'class' is a Python keyword; try 'my_class'." in printed
        assert status == 1
        assert list(home.folder.glob("[!.]*")) == []


@pytest.mark.parametrize(
    ("folder", "options", "path"),
    [
        (".", '--output-dir "it\'s here"', "it's here/my_site"),
        ("clone", "--output-dir ..", "../my_site"),
        # `cd ..` leads from a link to the folder where the link is.
        ("link", "--output-dir ..", "{home}/real/my_site"),
    ],
)
def test_printed_folder_is_right(home, folder, options, path):
    for name in ("clone", "real/deep"):
        (home.folder / name).mkdir(parents=True)
    (home.folder / "link").symlink_to("real/deep")
    printed = home.run(f"cd {folder} && {COOKIECUTTER} --no-input {options} {TEMPLATE}")
    cd = next_steps(printed)[0]
    assert cd == f"cd {shlex.quote(path.format(home=home.folder))}"
    home.run(f"cd {folder} && {cd} && test -f manage.py")


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_printed_commands_work(home, tool):
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
