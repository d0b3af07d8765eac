"""Checkouts of projects, and of this repository: what people change and type there."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from uv import find_uv_bin

from rehearse.buildpack import install
from rehearse.processes import bare_environment, run
from tests.harness.combinations import TEMPLATE
from tests.harness.commands import developer_environment, run_script

AUTHOR = {
    f"GIT_{role}_{what}": text
    for role in ("AUTHOR", "COMMITTER")
    for what, text in {"NAME": "Ada", "EMAIL": "ada@example.com"}.items()
}
# Files of git and other programs; some change while a test copies them.
KEPT = (".git", ".venv", ".hypothesis", ".*_cache", "__pycache__")


@dataclass
class Checkout:
    """``folder``, and the ``environment`` of the commands that are typed there."""

    folder: Path
    environment: dict[str, str]

    def run(self, command: str, **changes: str) -> str:
        """Run commands, one a line, and return what they print; CommandFailed if one fails."""
        return run(f"set -e\n{command}", self.folder, self.environment | changes)

    def run_script(self, script: str) -> str:
        return run_script(script, self.folder, self.environment)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def append(self, name: str, text: str) -> None:
        with (self.folder / name).open("a") as file:
            file.write(text)

    def require(self, lines: str) -> None:
        """Add lines of a document to the dependencies, lock and install them, as README.md says."""
        self.replace("pyproject.toml", "\ndependencies = [\n", f"\ndependencies = [\n{lines}")
        # The index is that of this process.
        path = f"{Path(find_uv_bin()).parent}:{self.environment['PATH']}"
        run("make lock", self.folder, os.environ | {"PATH": path})
        environment = self.folder.parent / "environment"
        install("requirements-dev.txt", self.folder, environment)
        self.environment = developer_environment(environment / "bin", self.folder)

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace ``old``, which must be in the file once."""
        text = self.read(name)
        assert text.count(old) == 1, f"{old!r} in {name}"
        self.write(name, text.replace(old, new))


@pytest.fixture
def clone(project, tmp_path) -> Checkout:
    """A new clone of a project, and the programs that its developers install."""
    folder = project.checkout(tmp_path.name)
    programs = project.environment("requirements-dev.txt")
    return Checkout(folder, developer_environment(programs, folder))


@pytest.fixture
def developer(clone) -> Checkout:
    """Someone who has begun to develop a project, as its README.md says."""
    shutil.copy(clone.folder / ".env.example", clone.folder / ".env")
    return clone


@pytest.fixture
def empty_database(services, tmp_path) -> str:
    """The URL of a database without tables."""
    services.postgres.create_database(tmp_path.name)
    return services.postgres.url(tmp_path.name)


def contributor(home: Path) -> dict[str, str]:
    """The environment of someone who works on this repository: its programs, a name for git, and no
    configuration.
    """
    return bare_environment(Path(sys.executable).parent, home) | AUTHOR


def copy_template(folder: Path) -> Path:
    """Copy this repository's files to ``folder``, which must not exist, and return it."""
    return shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns(*KEPT))
