"""The copy of a project that is rehearsed, and which platform it is for."""

import shutil
from pathlib import Path

from rehearse import buildpack
from rehearse.platforms import PLATFORMS, CannotStart, Platform

# What is never deployed: git's own, environments, caches, and what .gitignore leaves out by custom.
LEFT_OUT = """
    .git .hg .venv venv .env .env.local env node_modules __pycache__ .*_cache .tox .nox .idea .vscode
    *.sqlite3 *.pyc staticfiles htmlcov .coverage
"""


def choose(folder: Path, name: str | None) -> type[Platform]:
    """The platform of that name, or else the first whose file is in the folder.

    Raises CannotStart if the folder is for none.
    """
    if not folder.is_dir():
        raise CannotStart(f"There is no folder {folder}.")
    if name:
        return PLATFORMS[name]
    found = next((one for one in PLATFORMS.values() if one.reads(folder)), None)
    if found is None:
        raise CannotStart(
            f"Neither Procfile nor .do/app.yaml is in {folder}: add a Procfile with 'web: COMMAND'."
        )
    return found


def copy(folder: Path, target: Path) -> Path:
    """Copy what would be deployed of ``folder`` to ``target``, and return that."""
    if committed := [p for p in buildpack.COMMITTED_PYTHONS if is_tracked(folder, p)]:
        raise buildpack.BuildFailed(f"{committed[0]} is committed: add its folder to .gitignore.")
    ignored = shutil.ignore_patterns(*LEFT_OUT.split())
    return Path(shutil.copytree(folder, target, symlinks=True, ignore=ignored))


def is_tracked(folder: Path, path: str) -> bool:
    """Whether git, if the folder has it, would push the path."""
    index = folder / ".git/index"
    return index.is_file() and path.encode() + b"\x00" in index.read_bytes()


def find_python(platform: Platform) -> tuple[str, str]:
    """The Python to build with, as a path, and its description in the report.

    A project that asks for none gets this machine's if the buildpack's default is not here. Raises
    CannotStart if the version that it asks for is not here.
    """
    version, asked_by = buildpack.asked_python(platform.folder)
    found = buildpack.find_python(version)
    if found:
        return found, f"python {version}"
    if asked_by:
        raise CannotStart(
            f"{asked_by} asks for Python {version}, which is not installed here:"
            f" try 'uv python install {version}'."
        )
    own = platform.python
    return own, f"python of this machine (the platform's default, {version}, is not installed)"
