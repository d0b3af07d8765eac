"""Build a project as Heroku's Python buildpack does, which App Platform builds with as well.

The facts are the buildpack's source of 2026: https://github.com/heroku/heroku-buildpack-python and
https://devcenter.heroku.com/articles/python-support. App Platform adopts its versions later, so it
may still build for a while what is rejected here. Its rules are written again here, as its own scripts
need /app and its archives of Python. uv installs in place of pip, from the same files; what it cannot
install is left to pip, so the reason is pip's.
"""

import codecs
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from uv import find_uv_bin

from rehearse.bytecode import share
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
SETUPTOOLS, WITH_SETUPTOOLS = "setuptools==70.3.0", ("3.10", "3.11", "3.12")
# Of this machine's variables, those with which it reaches package indexes.
OF_INSTALLERS = re.compile(
    r"(HOME|TMPDIR|(UV|PIP|SSL|XDG|REQUESTS|CURL)_\w+|\w+_PROXY)", re.IGNORECASE
)
# Config vars that the buildpack gives to pip: it gives it no others, also not for ${TOKEN} in a line.
FOR_PIP = ("PIP_EXTRA_INDEX_URL",)
# Encodings by the first bytes of a file, those of 32 bits first, as they begin like one of 16.
BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32"}
BOMS |= {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
COMMENT = re.compile(r"(^|\s+)#.*$")
INCLUDED = re.compile(r"(?:-r|-c|--requirement|--constraint)[\s=]*['\"]?([^'\"]+?)['\"]?")
# A package of a line by its path on a disk, which only the project's own folder has on a platform.
LOCAL = re.compile(r"(?:\S+ *@ *|-e *|--editable[ =]*)?(?:file://)?(/[^\s\[;#]+)")


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
    variables = {name: environment[name] for name in FOR_PIP if name in environment}
    install(package_manager_file(folder), folder, folder / PYTHON_FOLDER, python, variables)


def finish(folder: Path, environment: dict[str, str]) -> None:
    """What follows the installation, and may need variables; raises FinishFailed."""
    try:
        collect_static(folder, environment)
        run_hook(HOOKS[1], folder, environment)
    except BuildFailed as failure:
        raise FinishFailed(*failure.args) from failure


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
        done = subprocess.run(
            [*command, asked],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            env=os.environ | {"PATH": path},
        )
        if done.returncode == 0:
            return done.stdout.strip()
    return None


def version_of(python: str) -> str:
    """The full version of that interpreter, such as 3.13.1."""
    code = "import platform; print(platform.python_version())"
    done = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.strip()


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
            raise BuildFailed(f"The hook {name} failed:\n{failure}") from failure


def install(
    requirements: str,
    folder: Path,
    environment: Path,
    python: str = sys.executable,
    variables: Mapping[str, str] = {},
) -> None:
    """Make ``environment`` a virtual environment with the project's file ``requirements``.

    Files with the same lines share one, if the packages that these name by a path are the same.
    ``variables`` are the installer's. Raises BuildFailed if the requirements do not install.
    """
    environment.parent.mkdir(parents=True, exist_ok=True)
    if requirements in INSTALL:
        make_venv(environment, python)
        command = INSTALL[requirements].split()
        own = {"PIPENV_VERBOSITY": "-1", "POETRY_VIRTUALENVS_CREATE": "false"}
        done = run_installer(
            [find_uv_bin(), *command[1:]], folder, environment, {**own, **variables}
        )
        if done.returncode:
            raise BuildFailed(f"{requirements} cannot be installed:\n{done.stdout}")
    else:
        shared = shared_environment(requirements, folder, python, variables)
        environment.symlink_to(shared)


def run_installer(
    command: list[str], folder: Path, environment: Path, variables: Mapping[str, str] = {}
) -> subprocess.CompletedProcess:
    """Run it with no more of this machine than it needs to reach a package index."""
    reach = {name: value for name, value in os.environ.items() if OF_INSTALLERS.fullmatch(name)}
    path = f"{environment}/bin:{Path(find_uv_bin()).parent}:{programs_folder().name}"
    own = {"PATH": path, "LANG": "C.UTF-8", "VIRTUAL_ENV": str(environment)}
    own |= {"UV_PYTHON": f"{environment}/bin/python", "UV_PYTHON_DOWNLOADS": "never"}
    return subprocess.run(
        command,
        cwd=folder,
        env={**reach, **own, **variables},
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


@cache
def shared_folder() -> tempfile.TemporaryDirectory:
    """Where the environments lie, until this process ends."""
    return tempfile.TemporaryDirectory()


def shared_environment(
    requirements: str, folder: Path, python: str, variables: Mapping[str, str]
) -> Path:
    lines = locked_lines(folder / requirements, folder)
    digest = hashlib.sha256("\n".join([python, *variables.values(), *sorted(lines)]).encode())
    for path in (path for line in lines for path in local_files(folder, line)):
        digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    environment = Path(shared_folder().name, digest.hexdigest()[:16])
    if not environment.exists():
        make_environment(requirements, folder, environment, python, variables)
    return environment


def decoded(path: Path) -> str:
    """A file of requirements as pip decodes it: by its BOM, or a comment that names an encoding:
    https://pip.pypa.io/en/stable/reference/requirements-file-format/#encoding
    """
    data = path.read_bytes()
    named = re.search(
        rb"^#.*coding[:=]\s*([-\w.]+)", b"\n".join(data.split(b"\n")[:2]), re.MULTILINE
    )
    found = next((BOMS[bom] for bom in BOMS if data.startswith(bom)), None)
    encoding = found or (named[1].decode() if named else "utf-8")
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        raise BuildFailed(f"{path.name} is not {encoding.upper()}: save it as UTF-8.") from None


def locked_lines(path: Path, folder: Path, read: tuple[Path, ...] = ()) -> list[str]:
    """The lines of a file of requirements, and of those that it includes, without comments. A path
    in it begins at the file itself.
    """
    lines, found = re.sub(r"\\\r?\n", "", decoded(path)).splitlines(), []
    for line in filter(None, (COMMENT.sub("", line).strip() for line in lines)):
        match = INCLUDED.fullmatch(line)
        if not match or "://" in match[1]:
            check_local(path, line, folder)
            found.append(line)
            continue
        included = path.parent / match[1]
        if not os.path.isfile(included):  # noqa: PTH113, as the path may be none
            raise BuildFailed(
                f"{os.path.relpath(path, folder)} includes {match[1]}, which is not deployed."
            )
        if included not in read:
            found += locked_lines(included, folder, (*read, path))
    return found


def check_local(path: Path, line: str, folder: Path) -> None:
    """Raise BuildFailed if the line names a package on a disk that is not the project's."""
    if (match := LOCAL.match(line)) and not Path(match[1]).is_relative_to(folder):
        raise BuildFailed(f"{path.name} names {match[1]}, a path of one machine: {line!r}.")


def local_files(folder: Path, line: str) -> list[Path]:
    """The wheel that a line names by its path, or the source in the folder, as in ``./lib[extra]``."""
    path = Path(os.path.normpath(folder / line.removeprefix("-e ").partition("[")[0]))
    if not path.is_relative_to(folder) or not os.path.exists(path):  # noqa: PTH110, as above
        return []
    if "/" not in line or not path.is_dir():
        return [path] if path.is_file() else []
    found = (each for each in sorted(path.rglob("*")) if "__pycache__" not in each.parts)
    return [each for each in found if each.is_file()]


def make_venv(environment: Path, python: str) -> None:
    subprocess.run([find_uv_bin(), "venv", "-q", "--python", python, environment], check=True)


def make_environment(
    requirements: str,
    folder: Path,
    environment: Path,
    python: str,
    variables: Mapping[str, str] = {},
) -> None:
    make_venv(environment, python)
    minor = ".".join(version_of(f"{environment}/bin/python").split(".")[:2])
    # pip asks all indexes for the best version of a package, uv by default the first that has it:
    # https://docs.astral.sh/uv/concepts/indexes/#searching-across-multiple-indexes
    uv = [find_uv_bin(), "pip", "install", "-q", "--index-strategy", "unsafe-best-match"]
    seeds = ["pip", *([SETUPTOOLS] if minor in WITH_SETUPTOOLS else [])]
    pip = [
        f"{environment}/bin/python",
        "-m",
        "pip",
        "install",
        "--no-input",
        "--progress-bar",
        "off",
    ]
    done = run_installer([*uv, *seeds], folder, environment)
    for command in (uv, [*pip, "-q", f"--src={environment}/src"]):
        done = run_installer([*command, "-r", requirements], folder, environment, variables)
        if done.returncode == 0:
            share(environment)
            return
    shutil.rmtree(environment)
    raise BuildFailed(f"{requirements} cannot be installed:\n{done.stdout}")


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
        raise BuildFailed(f"The static files cannot be collected:\n{failure}") from failure
