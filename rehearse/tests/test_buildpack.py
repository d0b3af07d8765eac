"""The buildpack rejects what the platforms reject, with the reason in one sentence."""

import re
import venv
from importlib.metadata import version
from pathlib import Path

import pytest

from rehearse.buildpack import PYTHON_FOLDER, BuildFailed, asked_python, install
from rehearse.platforms import PLATFORMS, Heroku, Platform
from rehearse.processes import bare_environment, run

# All that a build looks at before it installs anything.
PROCFILE = "web: python -m http.server\n"
FILES = {"Procfile": PROCFILE, "requirements.txt": "", "runtime.txt": "python-3.13\n"}
KEEP_ONE = r".* and .* are there: keep one package manager's file\."
RUNTIME = r"runtime\.txt must say python-3\.13 or .+"
VERSION = r"\.python-version must say 3\.13 or .+"
UNSUPPORTED = r" asks for Python (2\.7|3\.9|3\.99), which is not supported\."
# Changes to these files, where None deletes one, and the message of BuildFailed.
REJECTED = [
    *(({name: ""}, KEEP_ONE) for name in ("Pipfile.lock", "poetry.lock", "uv.lock")),
    (
        {"requirements.txt": "-r none.txt"},
        r"requirements\.txt cannot be installed: .*'none\.txt'\n[\s\S]*",
    ),
    (
        {"requirements.txt": None, "runtime.txt": None, "Pipfile.lock": "[]"},
        r"Pipfile\.lock is not .+",
    ),
    ({"Pipfile": ""}, r"Pipfile has no Pipfile\.lock beside it\."),
    ({"requirements.txt": None}, r"None of .*requirements\.txt.* is there: add one\."),
    *(
        ({"runtime.txt": asked}, RUNTIME)
        for asked in ("3.13", "python-3", "python 3.13", "python-3.13 # new", "\ufeffpython-3.13")
    ),
    *(
        ({"runtime.txt": None, ".python-version": asked}, VERSION)
        for asked in ("python-3.13", "3", "'3.13'", "3.13 # new", "3.13\n3.12", "#")
    ),
    *(
        ({"runtime.txt": f"python-{asked}.1"}, rf"runtime\.txt{UNSUPPORTED}")
        for asked in ("2.7", "3.9", "3.99")
    ),
    ({"runtime.txt": None, ".python-version": "3.9"}, rf"\.python-version{UNSUPPORTED}"),
    # A version, as a package that does not exist could be published tomorrow.
    (
        {"requirements.txt": "django==99"},
        r"requirements\.txt cannot be installed:[\s\S]*distribution found for django==99\s*",
    ),
    (
        {
            "requirements.txt": f"django=={version('django')}",
            "manage.py": "import os; os.environ['SECRET_KEY']",
        },
        r"The static files cannot be collected[\s\S]*KeyError: 'SECRET_KEY'\s*",
    ),
]
PYPROJECT = """\
[build-system]
requires = ["flit_core>=3.12"]
build-backend = "flit_core.buildapi"

[project]
name = "own"
version = "1"
description = "Of a test"

[project.optional-dependencies]
extra = []
"""
PROCFILES = {
    "worker: python manage.py work": "Procfile has no web process.",
    **{
        f"{PROCFILE}{line}": f"Procfile: {line!r} is no 'name: command'."
        for line in ("web", "web gunicorn", "web:", "- served by gunicorn")
    },
}


def write(folder: Path, files: dict[str, str | None]) -> None:
    for name, text in files.items():
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).write_text(text)


@pytest.fixture(params=PLATFORMS)
def platform(request, tmp_path) -> Platform:
    write(tmp_path, FILES)
    return PLATFORMS[request.param](tmp_path)


def reason(platform: Platform) -> str:
    """The message of the build's failure; the test fails if the build succeeds."""
    with pytest.raises(BuildFailed) as failure:
        platform.build()
    return str(failure.value)


@pytest.mark.parametrize(("changes", "expected"), REJECTED)
def test_a_build_is_refused_with_a_reason(platform, changes, expected):
    write(platform.folder, changes)
    assert re.fullmatch(expected, reason(platform))


def test_requirements_in_another_encoding_are_refused_with_pip_s_reason(platform):
    (platform.folder / "requirements.txt").write_bytes("# café\n".encode("latin-1"))
    told = "requirements.txt cannot be installed: UnicodeDecodeError: 'utf-8' codec can't decode"
    assert reason(platform).startswith(told)


@pytest.mark.parametrize("path", [".venv", "venv", ".heroku/python"])
def test_a_committed_environment_is_refused(platform, path):
    venv.create(platform.folder / path)
    assert re.fullmatch(rf"{re.escape(path)}\S* is committed: .+", reason(platform))


@pytest.mark.parametrize("procfile", PROCFILES)
def test_a_procfile_without_a_web_process_or_with_another_line_is_refused(tmp_path, procfile):
    write(tmp_path, {"Procfile": procfile})
    assert reason(Heroku(tmp_path)) == PROCFILES[procfile]


def test_a_procfile_may_have_comments(tmp_path):
    write(tmp_path, {"Procfile": f"# Served by Gunicorn.\n{PROCFILE}\n#release: none\n"})
    assert set(Heroku(tmp_path).commands()) == {"web"}


def test_runtime_txt_may_have_comments(platform):
    write(platform.folder, {"runtime.txt": "\n# The oldest.\n python-3.13 \n\n"})
    assert asked_python(platform.folder) == ("3.13", "runtime.txt")


def test_python_version_may_have_comments_and_a_patch_and_counts_without_a_runtime_txt(platform):
    write(platform.folder, {".python-version": "nonsense"})
    asked_python(platform.folder)
    write(platform.folder, {"runtime.txt": None})
    for asked in ("3.14", "3.13.9", "\n# The newest.\n 3.14 \n"):
        write(platform.folder, {".python-version": asked})
        asked_python(platform.folder)


def test_projects_with_another_package_at_the_same_path_share_no_environment(tmp_path):
    names = {"one": "first", "same": "first", "other": "second"}
    for name, source in names.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "own").mkdir()
        write(folder / "own", {"pyproject.toml": PYPROJECT, "own.py": f"WHICH = {source!r}\n"})
        write(folder, {"requirements.txt": "./own[extra]\n"})
        install("requirements.txt", folder, folder / PYTHON_FOLDER)
    one, same, other = (tmp_path / name / PYTHON_FOLDER for name in names)
    assert one.resolve() == same.resolve()
    for environment, source in ((one, "first"), (other, "second")):
        programs = environment / "bin"
        printed = run(
            "python -c 'import own; print(own.WHICH)'",
            tmp_path,
            bare_environment(programs, tmp_path),
        )
        assert printed == f"{source}\n"
