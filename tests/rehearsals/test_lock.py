"""The locks as they stand, and ``make lock`` of an owner, with a small package index of its own."""

import os
import sys
import zipfile
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.harness.checkouts import Checkout, copy_template
from tests.harness.combinations import EACH_PLATFORM, for_combinations

PROJECT = "{{cookiecutter.project_slug}}"
PROJECT_LOCKS = ("requirements.txt", "requirements-dev.txt")
# They, and the names of packages that no project may have.
LOCKS = ("requirements.txt", "paas_questions.py", *(f"{PROJECT}/{name}" for name in PROJECT_LOCKS))


class Index:
    """A package index in a folder (PEP 503)."""

    def __init__(self, folder: Path):
        self.folder = folder

    def release(self, name: str, version: str, requires: str = "") -> None:
        """Publish a package's metadata."""
        page = self.folder / name / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        wheel = f"{name}-{version}-py3-none-any.whl"
        with page.open("a") as file:
            file.write(f'<a href="{wheel}">{wheel}</a>\n')
        with zipfile.ZipFile(page.parent / wheel, "w") as archive:
            text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            text += f"Requires-Dist: {requires}\n" if requires else ""
            archive.writestr(f"{name}-{version}.dist-info/METADATA", text)


@pytest.fixture
def index(tmp_path) -> Index:
    index = Index(tmp_path / "index")
    index.release("sample", "1.0")
    return index


@pytest.fixture
def owner(project, tmp_path) -> Checkout:
    """A project, with uv and this process's access to the package index."""
    programs = f"{Path(find_uv_bin()).parent}:{os.environ['PATH']}"
    return Checkout(project.checkout(tmp_path.name), os.environ | {"PATH": programs})


def locks_of(owner: Checkout) -> list[set[str]]:
    return [set(owner.read(name).splitlines()) for name in PROJECT_LOCKS]


@for_combinations(EACH_PLATFORM, apart="lock")
def test_make_lock_changes_nothing_in_an_untouched_project(owner):
    before = [owner.read(name) for name in PROJECT_LOCKS]
    owner.run("make lock")
    assert [owner.read(name) for name in PROJECT_LOCKS] == before


@for_combinations(EACH_PLATFORM[:1], apart="lock")
def test_make_lock_adds_a_new_dependency_and_make_upgrade_takes_newer_versions(owner, index):
    first = '    "django-paas[accounts]'
    owner.replace("pyproject.toml", first, f'    "sample-of-ours",\n{first}')
    index.release("sample_of_ours", "1.0")
    # A newer version of a package that is in the lock already.
    index.release("structlog", "1000.0")
    wheels = f"{index.folder}/sample_of_ours,{index.folder}/structlog"

    before = locks_of(owner)
    printed = owner.run("make lock", UV_FIND_LINKS=wheels)
    assert "\n+sample-of-ours==1.0\n" in printed
    changes = [old ^ new for old, new in zip(before, locks_of(owner), strict=True)]
    assert changes == [{"sample-of-ours==1.0"}] * 2
    printed = owner.run("make upgrade", UV_FIND_LINKS=wheels)
    assert "\n+structlog==1000.0\n" in printed
    assert all("structlog==1000.0" in lock for lock in locks_of(owner))


@for_combinations(EACH_PLATFORM[:1], apart="lock")
def test_make_lock_names_a_requirement_that_resolves_to_an_old_release(owner, index):
    first = '    "django-paas[accounts]'
    owner.replace("pyproject.toml", first, f'    "sample",\n{first}')
    index.release("sample", "2.0", requires="django<6")
    printed = owner.run("make lock", UV_INDEX=index.folder.as_uri())
    assert "\n+sample==1.0\n" in printed
    assert "sample v1.0 (latest: v2.0)" in printed


def test_make_lock_of_the_template_changes_nothing(tmp_path):
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    copy = Checkout(copy_template(tmp_path / "copy"), os.environ | {"PATH": programs})
    before = [copy.read(name) for name in LOCKS]
    copy.run("python -m scripts.lock")
    assert [copy.read(name) for name in LOCKS] == before
