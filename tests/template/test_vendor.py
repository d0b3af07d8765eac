"""django-paas, which a project has as source in ``vendor/``."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
from cookiecutter.main import cookiecutter

from scripts.lock import BY_NAME, BY_PATH
from tests.harness.assertions import files_of, tracked
from tests.harness.checkouts import copy_template
from tests.harness.combinations import PACKAGE, PROJECT, QUESTIONS, TEMPLATE, bake

VERSION = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]["version"]


@pytest.fixture(scope="module")
def baked(tmp_path_factory) -> Path:
    """The folder in a project of a template that tools have left files in."""
    home = tmp_path_factory.mktemp("vendor")
    template, folder = copy_template(home / "template"), PACKAGE.relative_to(TEMPLATE)
    for name in (".ruff_cache", "src/paas/__pycache__"):
        (template / folder / name).mkdir()
        (template / folder / name / "of_a_test").touch()
    options = {"no_input": True, "output_dir": home, "default_config": True}
    return Path(cookiecutter(str(template), **options), "vendor/django-paas")


def test_a_project_has_every_file_of_it_and_no_caches(baked):
    found = {path.relative_to(baked) for path in files_of(baked)}
    assert found == {
        path.relative_to(PACKAGE) for path in tracked(PACKAGE.relative_to(TEMPLATE).as_posix())
    }


def test_its_wheel_has_every_file_of_the_source(baked, tmp_path):
    build = f"{sys.executable} -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir"
    subprocess.run([*build.split(), tmp_path, baked], check=True)
    [path] = tmp_path.iterdir()
    assert path.name == f"django_paas-{VERSION}-py3-none-any.whl"
    with ZipFile(path) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    source = baked / "src"
    assert names == {path.relative_to(source).as_posix() for path in files_of(source)}
    assert "paas/py.typed" in names


def test_every_file_that_names_its_version_has_the_same():
    assert f'__version__ = "{VERSION}"' in (PACKAGE / "src/paas/__init__.py").read_text()
    assert BY_NAME.removeprefix("django-paas==") == VERSION
    for name in ("pyproject.toml", "requirements.txt"):
        assert f"=={VERSION}" in (PROJECT / name).read_text(), name


@pytest.mark.parametrize("folder", [TEMPLATE, PACKAGE])
def test_the_newest_heading_of_a_changelog_is_the_version(folder):
    """Of the template: ``## v0.4.0``, with its commit once it has one. Of the package: ``## 0.4.0``."""
    version = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## (.+)$", (folder / "CHANGELOG.md").read_text(), re.MULTILINE)
    prefix, commit = ("v", r"( \([0-9a-f]{7}\))?") if folder == TEMPLATE else ("", "")
    assert re.fullmatch(rf"{prefix}{re.escape(version)}{commit}", headings[0])


@pytest.mark.parametrize(
    ("paas_from", "required", "is_there"), [("vendor", BY_PATH, True), ("index", BY_NAME, False)]
)
def test_one_value_turns_its_path_into_its_name(tmp_path, paas_from, required, is_there):
    baked = bake({"__paas_from": paas_from}, tmp_path)
    lines = (baked / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if "django-paas" in line] == [required]
    pyproject = tomllib.loads((baked / "pyproject.toml").read_text())
    assert BY_NAME in pyproject["project"]["dependencies"][0].replace("[accounts]", "")
    assert ("uv" in pyproject["tool"]) == (baked / "vendor").exists() == is_there


def test_it_is_installed_by_its_path():
    """Until it is on the package index, anyone could register its name there."""
    assert QUESTIONS["__paas_from"] == "vendor"
