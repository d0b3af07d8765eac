"""The wheel that every project installs is the machinery's source, and every name of it agrees."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

from harness.assertions import PROJECT
from harness.combinations import TEMPLATE

SOURCE = TEMPLATE / "django-paas"
[WHEEL] = (PROJECT / "vendor").iterdir()
VERSION = tomllib.loads((SOURCE / "pyproject.toml").read_text())["project"]["version"]


def contents(path: Path) -> dict[str, bytes]:
    """The files in a wheel, but the two that change with the version of the tool that builds it."""
    with ZipFile(path) as wheel:
        files = {name: wheel.read(name) for name in wheel.namelist()}
    return {name: files[name] for name in files if Path(name).name not in ("WHEEL", "RECORD")}


def test_the_wheel_is_built_from_the_source(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*build, "--directory", tmp_path], cwd=SOURCE, check=True)
    [built] = tmp_path.iterdir()
    assert built.name == WHEEL.name
    assert contents(built) == contents(WHEEL), "run `make wheel`"
    assert "paas/py.typed" in contents(WHEEL)


def test_every_file_that_names_the_wheel_has_its_version():
    assert WHEEL.name == f"django_paas-{VERSION}-py3-none-any.whl"
    assert f'__version__ = "{VERSION}"' in (SOURCE / "src/paas/__init__.py").read_text()
    named = ("pyproject.toml", "requirements.txt")
    for path in (*(PROJECT / name for name in named), TEMPLATE / "scripts/lock.py"):
        text = path.read_text()
        assert f"vendor/{WHEEL.name}" in text, path
        assert f"=={VERSION}" in text, path


@pytest.mark.parametrize("folder", [TEMPLATE, SOURCE])
def test_the_newest_heading_of_a_changelog_is_the_version(folder):
    """Of the template: ``## v0.4.0``, with its commit once it has one. Of the package: ``## 0.4.0``."""
    version = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## (.+)$", (folder / "CHANGELOG.md").read_text(), re.MULTILINE)
    prefix, commit = ("v", r"( \([0-9a-f]{7}\))?") if folder == TEMPLATE else ("", "")
    assert re.fullmatch(rf"{prefix}{re.escape(version)}{commit}", headings[0])


def test_the_wheel_is_installed_by_its_path():
    """Until the package is on the index, anyone could register its name there."""
    assert json.loads((TEMPLATE / "cookiecutter.json").read_text())["__paas_from"] == "vendor"
