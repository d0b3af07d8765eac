"""Build a project as Heroku's Python buildpack does, which App Platform builds with as well.

The facts are the buildpack's source of 2026: https://github.com/heroku/heroku-buildpack-python and
https://devcenter.heroku.com/articles/python-support. App Platform adopts its versions later, so it
may still build for a while what is rejected here. Its rules are written again here, as its own scripts
need /app and its archives of Python. uv installs in place of pip, from the same files; what it cannot
install is left to pip, so the reason is pip's.
"""

import json
import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from uv import find_uv_bin

from rehearse.isolation import programs_folder
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
    "poetry.lock": "uv tool run --quiet poetry sync --only main --no-ansi --no-interaction",
    "Pipfile.lock": "uv tool run --quiet pipenv install --deploy",
}
# With Python 3.12 and older the buildpack installs it beside pip:
# https://github.com/heroku/heroku-buildpack-python/blob/main/lib/pip.sh
SEEDS = {minor: ["pip", "setuptools==70.3.0"] for minor in ("3.10", "3.11", "3.12")}
# pip asks all indexes for the best version of a package, uv by default the first that has it:
# https://docs.astral.sh/uv/concepts/indexes/#searching-across-multiple-indexes
UV_PIP = "pip install -q --index-strategy unsafe-best-match"
PIP = "-m pip install -q --no-input --progress-bar off"
# Of this machine's variables, those with which it reaches package indexes.
REACH = re.compile(r"(?i)HOME|TMPDIR|(UV|PIP|SSL|XDG|REQUESTS|CURL)_\w+|\w+_PROXY")
# A line of an installer that says why it failed, or which package.
REASON = re.compile(r"error:|╰─> (?!See )", re.IGNORECASE)
# Config vars that the buildpack gives to pip: it gives it no others, also not for ${TOKEN} in a line.
FOR_PIP = ("PIP_EXTRA_INDEX_URL",)


captured = partial(subprocess.run, check=False, capture_output=True, text=True, errors="replace")


class BuildFailed(Exception):
    """The platform does not build the project; the message says why, as its build log would."""


class FinishFailed(BuildFailed):
    """The packages are installed; collectstatic, a hook or a command after that failed."""


def build(folder: Path, environment: dict[str, str], python: str = sys.executable) -> None:
    """Install the project's Python in ``.heroku/python`` of its ``folder``.

    ``environment`` is all that a build has. ``python`` is the one to install, whatever the project
    asks for. Raises BuildFailed.
    """
    run_hook(HOOKS[0], folder, environment)
    check(folder)
    own = {name: environment[name] for name in FOR_PIP if name in environment}
    install(package_manager_file(folder), folder, folder / PYTHON_FOLDER, python, **own)


def finish(folder: Path, environment: dict[str, str]) -> None:
    """What follows the installation, and may need variables; raises FinishFailed."""
    try:
        collect_static(folder, environment)
        run_hook(HOOKS[1], folder, environment)
    except BuildFailed as failure:
        raise FinishFailed(*failure.args) from failure


def check(folder: Path) -> None:
    """Raise BuildFailed if the buildpack rejects the project before it installs anything."""
    for path in COMMITTED_PYTHONS:
        if (folder / path).exists():
            raise BuildFailed(f"{path} is committed: a Python environment is for .gitignore.")
    package_manager_file(folder)
    asked_python(folder)


def package_manager_file(folder: Path) -> str:
    """The one file that says what to install; raises BuildFailed."""
    if (folder / "Pipfile").is_file() and not (folder / "Pipfile.lock").is_file():
        raise BuildFailed("Pipfile has no Pipfile.lock beside it.")
    found = [name for name in PACKAGE_MANAGER_FILES if (folder / name).is_file()]
    if not found:
        raise BuildFailed(f"None of {', '.join(PACKAGE_MANAGER_FILES)} is there: add one.")
    if len(found) > 1:
        raise BuildFailed(f"{' and '.join(found)} are there: keep one package manager's file.")
    return found[0]


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
        return check_version(runtime.name, version_lines(runtime), prefix="python-"), runtime.name
    if version.is_file():
        return check_version(version.name, version_lines(version)), version.name
    if has_uv:
        raise BuildFailed("uv.lock needs a .python-version beside it, such as 3.13.")
    if lock.is_file() and (asked := python_of_pipenv(lock)):
        return check_version(lock.name, asked), lock.name
    return DEFAULT_PYTHON, ""


def read_text(path: Path) -> str:
    """The text of one of the project's files; BuildFailed if it is not UTF-8."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise BuildFailed(f"{path.name} is not UTF-8: save it as UTF-8, without a BOM.") from None


def version_lines(path: Path) -> str:
    lines = map(str.strip, read_text(path).splitlines())
    return "\n".join(line for line in lines if line and line[0] != "#")


def python_of_pipenv(lock: Path) -> str:
    try:
        wanted = json.loads(read_text(lock)).get("_meta", {}).get("requires", {})
        return str(wanted.get("python_full_version") or wanted.get("python_version") or "")
    except (ValueError, AttributeError, RecursionError):
        raise BuildFailed(f"{lock.name} is not valid: run 'pipenv lock'.") from None


def check_version(name: str, asked: str, prefix: str = "") -> str:
    match = re.fullmatch(rf"{prefix}([0-9]+\.[0-9]+)(\.[0-9]+)?", asked)
    if not match:
        raise BuildFailed(f"{name} must say {prefix}3.13 or {prefix}3.13.1, not {asked!r}.")
    if match[1] not in SUPPORTED_PYTHONS:
        raise BuildFailed(f"{name} asks for Python {match[1]}, which is not supported.")
    return asked.removeprefix(prefix)


def find_python(version: str) -> str | None:
    """The path of that Python on this machine, else of its minor version; None if it is not there."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    minor, own = ".".join(version.split(".")[:2]), platform.python_version()
    places = [str(one.parent) for one in pyenv.glob(f"versions/{minor}*/bin/python")]
    path = os.pathsep.join([*places, os.environ.get("PATH", os.defpath)])
    command = [find_uv_bin(), "python", "find", "--no-python-downloads", "--no-project", "--system"]
    for asked in dict.fromkeys((version, minor)):
        if f"{own}.".startswith(f"{asked}."):
            return getattr(sys, "_base_executable", sys.executable)
        variables = os.environ | {"PATH": path}
        found = captured([*command, asked], cwd="/", env=variables)
        if found.returncode == 0:
            return found.stdout.strip()
    return None


def version_of(python: str) -> str:
    """The full version of that interpreter, such as 3.13.1."""
    code = "import platform; print(platform.python_version())"
    return captured([python, "-c", code]).stdout.strip()


def run_hook(name: str, folder: Path, environment: dict[str, str]) -> None:
    """Run ``bin/pre_compile`` or ``bin/post_compile``, if the project has it, by its first line:
    https://github.com/heroku/heroku-buildpack-python/blob/main/lib/hooks.sh
    """
    hook = folder / name
    if hook.is_file():
        hook.chmod(hook.stat().st_mode | 0o111)
        try:
            run(name, folder, environment)
        except CommandFailed as failure:
            raise BuildFailed(f"The hook {name} failed\n{failure}") from failure


def install(
    requirements: str, folder: Path, environment: Path, python: str = sys.executable, **own: str
) -> None:
    """Make ``environment`` a virtual environment with the project's file ``requirements``.

    ``own`` are variables of the installer. Raises BuildFailed if it fails.
    """
    environment.parent.mkdir(parents=True, exist_ok=True)
    if requirements in INSTALL:
        make_venv(environment, python)
        own |= {"PIPENV_VERBOSITY": "-1", "POETRY_VIRTUALENVS_CREATE": "false"}
        command = [find_uv_bin(), *INSTALL[requirements].split()[1:]]
        output = run_installer(command, folder, environment, own)
    else:
        output = install_requirements(requirements, folder, environment, python, own)
    if output is not None:
        output = output.replace(f"{folder}/", "")
        lines = output.strip().splitlines() or [""]
        reasons = [re.split(": |> ", line, maxsplit=1)[-1] for line in lines if REASON.match(line)]
        raise BuildFailed(f"{requirements} cannot be installed: {(reasons or lines)[-1]}\n{output}")


def install_requirements(
    requirements: str, folder: Path, environment: Path, python: str, own: Mapping[str, str]
) -> str | None:
    """By pip's rules; returns what pip printed if it fails."""
    make_venv(environment, python)
    minor = ".".join(version_of(f"{environment}/bin/python").split(".")[:2])
    uv, pip = [find_uv_bin(), *UV_PIP.split()], [f"{environment}/bin/python", *PIP.split()]
    run_installer([*uv, *SEEDS.get(minor, ["pip"])], folder, environment)
    if run_installer([*uv, "-r", requirements], folder, environment, own) is None:
        return None
    sources = f"--src={environment}/src"
    return run_installer([*pip, sources, "-r", requirements], folder, environment, own)


def run_installer(
    command: list[str], folder: Path, environment: Path, own: Mapping[str, str] = {}
) -> str | None:
    """Run it with no more of this machine than it needs to reach a package index; returns what it
    printed if it fails.
    """
    variables = {name: value for name, value in os.environ.items() if REACH.fullmatch(name)}
    path = f"{environment}/bin:{Path(find_uv_bin()).parent}:{programs_folder().name}"
    variables |= {"PATH": path, "LANG": "C.UTF-8", "VIRTUAL_ENV": str(environment)}
    variables |= {"UV_PYTHON": f"{environment}/bin/python", "UV_PYTHON_DOWNLOADS": "never", **own}
    done = captured(command, cwd=folder, env=variables, input="")
    return done.stdout + done.stderr if done.returncode else None


def make_venv(environment: Path, python: str) -> None:
    subprocess.run([find_uv_bin(), "venv", "-q", "--python", python, environment], check=True)


def has_package(folder: Path, name: str) -> bool:
    """Whether the built project's environment has the package of that import name."""
    libraries = (folder / PYTHON_FOLDER).glob("lib/python*/site-packages")
    return any((packages / name).is_dir() for packages in libraries)


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
    variable = environment.get("DISABLE_COLLECTSTATIC") or "0"
    is_disabled = variable != "0" or (folder / ".heroku/collectstatic_disabled").is_file()
    return bool(not is_disabled and has_package(folder, "django") and manage_file(folder))


def collect_static(folder: Path, environment: dict[str, str]) -> None:
    if not collects_static(folder, environment):
        return
    command = f"python {shlex.quote(str(manage_file(folder)))} collectstatic --noinput"
    try:
        run(command, folder, {"PYTHONPATH": ".", **environment})
    except CommandFailed as failure:
        raise BuildFailed(f"The static files cannot be collected\n{failure}") from failure
