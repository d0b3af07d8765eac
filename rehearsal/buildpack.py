"""Build a project as Heroku's Python buildpack does, which App Platform builds with as well.

The facts are the buildpack's source and documentation of 2026. App Platform adopts its versions
later, so it may still build for a while what is rejected here.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from uv import find_uv_bin

from rehearsal.bytecode import share
from rehearsal.processes import CommandFailed, run

PYTHON_FOLDER = ".heroku/python"
COMMITTED_PYTHONS = (".venv/pyvenv.cfg", "venv/pyvenv.cfg", PYTHON_FOLDER)
PACKAGE_MANAGER_FILES = ("Pipfile.lock", "requirements.txt", "poetry.lock", "uv.lock")
SUPPORTED_PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
COLLECT_STATIC = "python manage.py collectstatic --noinput"


class BuildFailed(Exception):
    """The platform does not build the project; the message says why, as its build log would."""


def build(folder: Path, environment: dict[str, str], python: str = sys.executable) -> None:
    """Build the project in ``folder``, whose Python then lies in its ``.heroku/python``.

    ``environment`` is all that a build has. ``python`` is the one to install, whatever the project
    asks for. Raises BuildFailed.
    """
    check_for_committed_python(folder)
    check_package_manager(folder)
    check_python_version(folder)
    install("requirements.txt", folder, folder / PYTHON_FOLDER, python)
    collect_static(folder, environment)


def check_for_committed_python(folder: Path) -> None:
    for path in COMMITTED_PYTHONS:
        if (folder / path).exists():
            raise BuildFailed(f"{path} is committed: a Python environment is for .gitignore.")


def check_package_manager(folder: Path) -> None:
    if (folder / "Pipfile").is_file() and not (folder / "Pipfile.lock").is_file():
        raise BuildFailed("Pipfile has no Pipfile.lock beside it.")
    found = [name for name in PACKAGE_MANAGER_FILES if (folder / name).is_file()]
    if not found:
        raise BuildFailed(f"None of {', '.join(PACKAGE_MANAGER_FILES)} is there: add one.")
    if len(found) > 1:
        raise BuildFailed(f"{' and '.join(found)} are there: keep one package manager's file.")


def check_python_version(folder: Path) -> None:
    """Check what ``runtime.txt`` asks for, or if there is none, ``.python-version``."""
    runtime, version = folder / "runtime.txt", folder / ".python-version"
    if runtime.is_file():  # and the other is not even read
        check_version(runtime.name, runtime.read_text(), prefix="python-")
    elif version.is_file():
        lines = version.read_text().splitlines()
        check_version(version.name, "\n".join(line for line in lines if line.lstrip()[:1] != "#"))


def check_version(name: str, asked: str, prefix: str = "") -> None:
    match = re.fullmatch(rf"{prefix}([0-9]+\.[0-9]+)(\.[0-9]+)?", asked.strip())
    if not match:
        raise BuildFailed(f"{name} must say {prefix}3.13 or {prefix}3.13.1, not {asked!r}.")
    if match[1] not in SUPPORTED_PYTHONS:
        raise BuildFailed(f"{name} asks for Python {match[1]}, which is not supported.")


def install(
    requirements: str, folder: Path, environment: Path, python: str = sys.executable
) -> None:
    """Make ``environment`` a virtual environment with the project's file ``requirements``.

    Files with the same lines share one, if the wheels in them are the same. Raises BuildFailed if
    the requirements do not install.
    """
    environment.parent.mkdir(parents=True, exist_ok=True)
    environment.symlink_to(shared_environment(requirements, folder, python))


@cache
def shared_folder() -> tempfile.TemporaryDirectory:
    """Where the environments lie, until this process ends."""
    return tempfile.TemporaryDirectory()


def shared_environment(requirements: str, folder: Path, python: str) -> Path:
    lines = [python, *locked_lines(folder / requirements)]
    digest = hashlib.sha256("\n".join(lines).encode())
    for wheel in (line for line in lines if line.endswith(".whl")):
        digest.update((folder / wheel).read_bytes())
    environment = Path(shared_folder().name, digest.hexdigest()[:16])
    if not environment.exists():
        make_environment(requirements, folder, environment, python)
    return environment


def locked_lines(path: Path) -> list[str]:
    """The lines of a file of requirements, and of a file that it includes, sorted, without comments."""
    lines = [line for line in path.read_text().splitlines() if line[:1] not in ("", "#")]
    for included in [line for line in lines if line.startswith("-r ")]:
        lines.remove(included)
        lines += locked_lines(path.with_name(included.removeprefix("-r ")))
    return sorted(lines)


def make_environment(requirements: str, folder: Path, environment: Path, python: str) -> None:
    uv = find_uv_bin()
    subprocess.run([uv, "venv", "-q", "--python", python, environment], check=True)
    command = [uv, "pip", "install", "-q", "--python", str(environment), "-r", requirements]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        shutil.rmtree(environment)
        raise BuildFailed(f"{requirements} cannot be installed:\n{done.stderr}")
    share(environment)


def collect_static(folder: Path, environment: dict[str, str]) -> None:
    try:
        run(COLLECT_STATIC, folder, environment)
    except CommandFailed as failure:
        raise BuildFailed(f"The static files cannot be collected: {failure}") from failure
