"""Build a project as Heroku's Python buildpack does, which App Platform builds with as well.

The facts are the buildpack's source of 2026: https://github.com/heroku/heroku-buildpack-python and
https://devcenter.heroku.com/articles/python-support. App Platform adopts its versions later, so it
may still build for a while what is rejected here. uv installs in place of pip, from the same files.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from uv import find_uv_bin

from rehearse.bytecode import share
from rehearse.processes import CommandFailed, run

PYTHON_FOLDER = ".heroku/python"
COMMITTED_PYTHONS = (".venv/pyvenv.cfg", "venv/pyvenv.cfg", PYTHON_FOLDER)
PACKAGE_MANAGER_FILES = ("Pipfile.lock", "requirements.txt", "poetry.lock", "uv.lock")
SUPPORTED_PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
DEFAULT_PYTHON = "3.14"
HOOKS = ("bin/pre_compile", "bin/post_compile")
# What installs from a lock other than requirements.txt into the environment in VIRTUAL_ENV; the
# buildpack's own commands.
INSTALL = {
    "uv.lock": "uv sync --locked --no-default-groups --active --quiet",
    "poetry.lock": "uv tool run --quiet poetry sync --only main --no-interaction --quiet",
    "Pipfile.lock": "uv tool run --quiet pipenv install --deploy --ignore-pipfile --quiet",
}


class BuildFailed(Exception):
    """The platform does not build the project; the message says why, as its build log would."""


def build(folder: Path, environment: dict[str, str], python: str = sys.executable) -> None:
    """Build the project in ``folder``, whose Python then lies in its ``.heroku/python``.

    ``environment`` is all that a build has. ``python`` is the one to install, whatever the project
    asks for. Raises BuildFailed.
    """
    check(folder)
    run_hook(HOOKS[0], folder, environment)
    install(package_manager_file(folder), folder, folder / PYTHON_FOLDER, python)
    collect_static(folder, environment)
    run_hook(HOOKS[1], folder, environment)


def check(folder: Path) -> None:
    """Raise BuildFailed if the buildpack rejects the project before it installs anything."""
    check_for_committed_python(folder)
    check_package_manager(folder)
    asked_python(folder)


def check_for_committed_python(folder: Path) -> None:
    for path in COMMITTED_PYTHONS:
        if (folder / path).exists():
            raise BuildFailed(f"{path} is committed: a Python environment is for .gitignore.")


def package_manager_file(folder: Path) -> str:
    """The one file that says what to install, once check_package_manager() has passed."""
    return next(name for name in PACKAGE_MANAGER_FILES if (folder / name).is_file())


def check_package_manager(folder: Path) -> None:
    if (folder / "Pipfile").is_file() and not (folder / "Pipfile.lock").is_file():
        raise BuildFailed("Pipfile has no Pipfile.lock beside it.")
    found = [name for name in PACKAGE_MANAGER_FILES if (folder / name).is_file()]
    if not found:
        raise BuildFailed(f"None of {', '.join(PACKAGE_MANAGER_FILES)} is there: add one.")
    if len(found) > 1:
        raise BuildFailed(f"{' and '.join(found)} are there: keep one package manager's file.")


def asked_python(folder: Path) -> tuple[str, str]:
    """The version of Python to install, such as 3.13 or 3.13.1, and the file that asks for it.

    Without such a file both are those of the buildpack: DEFAULT_PYTHON and "". Raises BuildFailed.
    """
    runtime, version = folder / "runtime.txt", folder / ".python-version"
    lock = folder / "Pipfile.lock"
    has_uv = (folder / "uv.lock").is_file()
    if runtime.is_file():  # and the other is not even read
        if has_uv:
            raise BuildFailed("runtime.txt is there with uv.lock: use .python-version instead.")
        return check_version(runtime.name, runtime.read_text(), prefix="python-"), runtime.name
    if version.is_file():
        lines = version.read_text().splitlines()
        asked = "\n".join(line for line in lines if line.lstrip()[:1] != "#")
        return check_version(version.name, asked), version.name
    if has_uv:
        raise BuildFailed("uv.lock needs a .python-version beside it, such as 3.13.")
    if lock.is_file():
        wanted = json.loads(lock.read_text()).get("_meta", {}).get("requires", {})
        if asked := wanted.get("python_full_version") or wanted.get("python_version"):
            return check_version(lock.name, asked), lock.name
    return DEFAULT_PYTHON, ""


def check_version(name: str, asked: str, prefix: str = "") -> str:
    match = re.fullmatch(rf"{prefix}([0-9]+\.[0-9]+)(\.[0-9]+)?", asked.strip())
    if not match:
        raise BuildFailed(f"{name} must say {prefix}3.13 or {prefix}3.13.1, not {asked!r}.")
    if match[1] not in SUPPORTED_PYTHONS:
        raise BuildFailed(f"{name} asks for Python {match[1]}, which is not supported.")
    return asked.strip().removeprefix(prefix)


def find_python(version: str) -> str | None:
    """The path of that Python on this machine, in any patch version; None if it is not there."""
    minor = ".".join(version.split(".")[:2])
    if sys.version_info[:2] == tuple(map(int, minor.split("."))):
        return getattr(sys, "_base_executable", sys.executable)
    command = [find_uv_bin(), "python", "find", "--no-python-downloads", "--no-project", minor]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/")
    return done.stdout.strip() if done.returncode == 0 else None


def run_hook(name: str, folder: Path, environment: dict[str, str]) -> None:
    """Run ``bin/pre_compile`` or ``bin/post_compile``, if the project has it."""
    if (folder / name).is_file():
        try:
            run(f"bash {name}", folder, environment)
        except CommandFailed as failure:
            raise BuildFailed(f"{name} failed: {failure}") from failure


def install(
    requirements: str, folder: Path, environment: Path, python: str = sys.executable
) -> None:
    """Make ``environment`` a virtual environment with the project's file ``requirements``.

    Files with the same lines share one, if the packages that these name by a path are the same.
    Raises BuildFailed if the requirements do not install.
    """
    environment.parent.mkdir(parents=True, exist_ok=True)
    if requirements in INSTALL:
        install_from_lock(requirements, folder, environment, python)
    else:
        environment.symlink_to(shared_environment(requirements, folder, python))


def install_from_lock(lock: str, folder: Path, environment: Path, python: str) -> None:
    """Install what the lock of another package manager than pip says, by that package manager."""
    make_venv(environment, python)
    variables = os.environ | {
        "PATH": f"{environment}/bin:{Path(find_uv_bin()).parent}:{os.environ['PATH']}",
        "VIRTUAL_ENV": str(environment),
        "UV_PYTHON_DOWNLOADS": "never",
        "PIPENV_VERBOSITY": "-1",
    }
    command = INSTALL[lock].split()
    done = subprocess.run(
        [find_uv_bin(), *command[1:]],
        cwd=folder,
        env=variables,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise BuildFailed(f"{lock} cannot be installed:\n{done.stdout}{done.stderr}")


@cache
def shared_folder() -> tempfile.TemporaryDirectory:
    """Where the environments lie, until this process ends."""
    return tempfile.TemporaryDirectory()


def shared_environment(requirements: str, folder: Path, python: str) -> Path:
    lines = locked_lines(folder / requirements)
    digest = hashlib.sha256("\n".join([python, *lines]).encode())
    for path in (path for line in lines for path in local_files(folder, line)):
        digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
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


def local_files(folder: Path, line: str) -> list[Path]:
    """The wheel that a line names by its path, or the source in the folder, as in ``./lib[extra]``."""
    path = folder / line.removeprefix("-e ").partition("[")[0]
    if "/" not in line or not path.is_dir():
        return [path] if path.is_file() else []
    found = (each for each in sorted(path.rglob("*")) if "__pycache__" not in each.parts)
    return [each for each in found if each.is_file()]


def make_venv(environment: Path, python: str) -> None:
    subprocess.run([find_uv_bin(), "venv", "-q", "--python", python, environment], check=True)


def make_environment(requirements: str, folder: Path, environment: Path, python: str) -> None:
    make_venv(environment, python)
    command = [find_uv_bin(), "pip", "install", "-q", "--python", str(environment)]
    command += ["-r", requirements]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        shutil.rmtree(environment)
        raise BuildFailed(f"{requirements} cannot be installed:\n{done.stderr}")
    share(environment)


def has_package(folder: Path, name: str) -> bool:
    """Whether the built project's environment has the package of that import name."""
    libraries = (folder / PYTHON_FOLDER).glob("lib/python*/site-packages")
    return any((packages / name).is_dir() for packages in libraries)


def count_packages(folder: Path) -> int:
    return len(list((folder / PYTHON_FOLDER).glob("lib/python*/site-packages/*.dist-info")))


def manage_file(folder: Path) -> str | None:
    """The path of the topmost ``manage.py``, at most three folders deep, as the buildpack looks."""
    found = [
        path.relative_to(folder)
        for pattern in ("manage.py", "*/manage.py", "*/*/manage.py")
        for path in sorted(folder.glob(pattern))
        if path.is_file() and ".heroku" not in path.parts
    ]
    return str(found[0]) if found else None


def collects_static(folder: Path, environment: dict[str, str]) -> bool:
    """Whether the build runs ``collectstatic``: https://devcenter.heroku.com/articles/django-assets"""
    is_disabled = environment.get("DISABLE_COLLECTSTATIC", "0") != "0"
    return bool(not is_disabled and has_package(folder, "django") and manage_file(folder))


def collect_static(folder: Path, environment: dict[str, str]) -> None:
    if not collects_static(folder, environment):
        return
    try:
        run(f"python {manage_file(folder)} collectstatic --noinput", folder, environment)
    except CommandFailed as failure:
        raise BuildFailed(f"The static files cannot be collected: {failure}") from failure
