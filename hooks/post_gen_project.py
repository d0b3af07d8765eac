"""Delete the files that belong to other answers, then print the next steps."""

import json
import os
import shlex
import shutil
import sys
from pathlib import Path

# A file stays if the answer beside it was given. tests/combinations/test_files.py has the same list.
ONLY_FOR = {
    ("platform", "heroku"): ["Procfile", "app.json"],
    ("platform", "digitalocean"): [".do"],
    ("__interface", "asgi"): ["config/asgi.py"],
    ("__interface", "wsgi"): ["config/wsgi.py"],
    ("__app_server", "gunicorn"): ["gunicorn.conf.py"],
    ("__paas_from", "vendor"): ["vendor"],
    ("use_celery", True): ["config/celery.py"],
    ("__presence", "yes"): [
        "presence",
        "static/presence.css",
        "static/presence.js",
        "templates/presence",
    ],
    ("__welcome", "yes"): ["templates/welcome", "welcome"],
    ("__pictures", "yes"): ["pictures", "static/pictures.css", "templates/pictures"],
}
OLDEST_PYTHON = (3, 12)  # as in the project's pyproject.toml
PYTHON_COMMANDS = ("python3.13", "python3.14", "python3.12")
# What tools leave behind in the template's own folder when its code is checked in place.
CACHES = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}


def delete_unselected_files(answers):
    for (name, value), paths in ONLY_FOR.items():
        if answers[name] != value:
            for path in map(Path, paths):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def delete_caches():
    for name in CACHES:
        for folder in list(Path().rglob(name)):
            shutil.rmtree(folder)


def is_thrown_away(answers):
    """``cruft update`` and ``cruft diff`` bake into a temporary folder, only to compare."""
    folder = Path.cwd().parent
    if "_commit" not in answers or not folder.name.startswith("tmp"):
        return False
    # Only cruft needs it: importing it at the top would slow down every bake.
    import tempfile

    return folder.parent.samefile(tempfile.gettempdir())


def print_next_steps(answers):
    # A console that lacks a letter of the name must not fail the bake, which deletes the project.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    folder = path_to_type(Path.cwd())
    uv = shutil.which("uv")
    python = find_python(answers["python_version"])
    print(f"\n{answers['project_name']} is in {folder}. Next:\n")
    if not uv and not python:
        print(advice(answers["python_version"]))
    commands = powershell_commands if os.name == "nt" else sh_commands
    for command in commands(folder, uv, python or f"python{answers['python_version']}"):
        print(f"    {command}")
    print("\nREADME.md explains tests, deployment and configuration.")


def path_to_type(folder):
    """Relative to the shell's folder, or absolute: shells of Windows set no PWD, or one of their own."""
    here = os.environ.get("PWD")
    if not here or os.name == "nt":
        return str(folder)
    path = os.path.relpath(folder, os.path.realpath(here))
    # A shell takes ".." for what is above a symbolic link, not above what the link leads to.
    is_linked = os.path.realpath(here) != here
    return str(folder) if path.startswith("..") and is_linked else path


def find_python(version):
    """A command of a Python that is new enough, the chosen version first; or None."""
    if os.name == "nt":
        command = "py -{}.{}".format(*sys.version_info) if shutil.which("py") else "python"
        return command if sys.version_info >= OLDEST_PYTHON else None
    chosen, ours = f"python{version}", "python{}.{}".format(*sys.version_info)
    for command in (chosen, *PYTHON_COMMANDS):
        # The version that runs this hook works: starting it again would take a tenth of a bake.
        if shutil.which(command) and (command == chosen == ours or runs(command)):
            return command
    return shlex.quote(sys.executable) if sys.version_info >= OLDEST_PYTHON else None


def runs(command):
    """pyenv has commands of versions that it does not run in this folder."""
    # Most bakes need no other Python: importing it at the top would slow them down.
    import subprocess

    done = subprocess.run([command, "-c", ""], check=False, capture_output=True)
    return done.returncode == 0


def advice(version):
    ours = "{}.{}".format(*sys.version_info)
    return (
        f"Python {ours} is too old for the project: first install Python {version}, from "
        "https://www.python.org/downloads/, or uv, which fetches it, from https://docs.astral.sh/uv/.\n"
    )


def sh_commands(folder, uv, python):
    venv, pip = ("uv venv", "uv pip") if uv else (f"{python} -m venv .venv", "pip")
    run = "cp .env.example .env && python manage.py migrate && python manage.py runserver"
    if shutil.which("make"):
        run = "make run"
    return [
        f"cd {shlex.quote(folder)}",
        f"{venv} && . .venv/bin/activate",
        f"{pip} install -r requirements-dev.txt && {run}",
    ]


def powershell_commands(folder, uv, python):
    """One a line, for Windows PowerShell has no "&&"; a new user may not run its Activate.ps1."""
    quoted = folder.replace("'", "''")
    programs = ".venv\\Scripts\\"
    return [
        f"cd '{quoted}'",
        "uv venv" if uv else f"{python} -m venv .venv",
        f"{'uv' if uv else f'{programs}python -m'} pip install -r requirements-dev.txt",
        "cp .env.example .env",
        f"{programs}python manage.py migrate",
        f"{programs}python manage.py runserver",
    ]


if __name__ == "__main__":
    ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")
    delete_unselected_files(ANSWERS)
    delete_caches()
    if not is_thrown_away(ANSWERS):
        print_next_steps(ANSWERS)
