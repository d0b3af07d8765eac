"""The copy of a project that is rehearsed, and which platform it is for."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from rehearse import buildpack
from rehearse.platforms import PLATFORMS, CannotStart, Platform

# What no one commits, also where .gitignore does not say so.
LEFT_OUT = """
    .hg .env .env.local node_modules __pycache__ .*_cache .tox .nox .idea .vscode *.pyc htmlcov
    .coverage
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


def copy(folder: Path, target: Path, ignore_file: str | None = None) -> Path:
    """Copy what would be deployed of ``folder`` to ``target``, and return that: what git tracks, and
    what it would add, but for the patterns of ``ignore_file``. Without a repository git reads .gitignore
    all the same.
    """
    if not shutil.which("git"):
        raise CannotStart("git is not installed, and says which files would be deployed.")
    with tempfile.TemporaryDirectory() as own:
        git = [f"--git-dir={own}", "--work-tree=."]
        list_files(folder, ["init", "--quiet", "--bare", own])
        if tracked := list_files(folder, ["ls-files", "-z", "--cached"]):
            git = []
        left_out = [f"--exclude={pattern}" for pattern in LEFT_OUT.split()]
        others = [*git, "ls-files", "-z", "--others", "--exclude-standard", *left_out]
        new = list_files(folder, others)
        environments = {path.parent for path in new if path.name == "pyvenv.cfg"}
        paths = [*tracked, *(p for p in new if environments.isdisjoint(p.parents))]
        target.mkdir()
        for path in paths:
            copy_one(folder / path, target / path)
        if ignore_file and (target / ignore_file).is_file():
            matches = ["ls-files", "-z", "--others", "--ignored", f"--exclude-from={ignore_file}"]
            for path in list_files(target, [f"--git-dir={own}", "--work-tree=.", *matches]):
                (target / path).unlink()
    return target


def list_files(folder: Path, arguments: list[str]) -> list[Path]:
    """The paths that a command of git prints, or none if it fails."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith("GIT_")}
    command = ["git", "-c", "safe.directory=*", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True)
    names = filter(None, done.stdout.split(b"\0")) if done.returncode == 0 else ()
    return [Path(os.fsdecode(name)) for name in names]


def copy_one(source: Path, target: Path) -> None:
    """Copy a file, a link, or the folder of a submodule; nothing if it was deleted."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if source.is_symlink() or source.is_file():
            shutil.copy2(source, target, follow_symlinks=False)
        elif source.is_dir():
            ignored = shutil.ignore_patterns(".git")
            shutil.copytree(source, target, symlinks=True, ignore=ignored, dirs_exist_ok=True)
    except OSError as error:
        raise CannotStart(f"{source} cannot be read: {error.strerror}.") from None


def find_python(platform: Platform) -> tuple[str, str]:
    """The Python to build with, as a path, and its description in the report.

    A project that asks for none gets this machine's if the buildpack's default is not here. Raises
    CannotStart if the version that it asks for is not here.
    """
    version, asked_by = buildpack.asked_python(platform.folder)
    found = buildpack.find_python(version)
    if not found and asked_by:
        raise CannotStart(
            f"{asked_by} asks for Python {version}, which is not installed here:"
            f" try 'uv python install {version}'."
        )
    runs = buildpack.version_of(found or platform.python)
    note = ""
    if not found:
        note = f" (the platform's default, {version}, is not installed)"
    elif not f"{runs}.".startswith(f"{version}."):
        note = f" ({asked_by} asks for {version}: lines with python_full_version may be others)"
    return found or platform.python, f"python {runs}{note}"
