"""``scripts/lock.py`` on a copy of this repository, with a small package index of its own."""

import json
import os
import sys
import zipfile
from pathlib import Path

import pytest
from uv import find_uv_bin

from rehearse.processes import CommandFailed
from tests.harness.checkouts import Checkout, contributor, copy_template
from tests.harness.combinations import EACH_PLATFORM, QUESTIONS, for_combinations

PROJECT = "{{cookiecutter.project_slug}}"
PROJECT_LOCKS = ("requirements.txt", "requirements-dev.txt")
LOCKS = ("requirements.txt", *(f"{PROJECT}/{name}" for name in PROJECT_LOCKS))
PACKAGES = f"{PROJECT}/vendor/django-paas/src/paas/docs/packages.md"
LOCK = "python -m scripts.lock"
PYPROJECT = """\
[project]
name = "of-a-test"
version = "1"
dependencies = ["{0}"]

[dependency-groups]
dev = ["{0}"]
"""


class Index:
    """A package index in a folder (PEP 503)."""

    def __init__(self, folder: Path):
        self.folder = folder

    def release(self, name: str, version: str, attributes: str = "", requires: str = "") -> None:
        """Publish a package's metadata; ``attributes`` go to its link on the package's page."""
        page = self.folder / name / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        wheel = f"{name}-{version}-py3-none-any.whl"
        with page.open("a") as file:
            file.write(f'<a href="{wheel}" {attributes}>{wheel}</a>\n')
        with zipfile.ZipFile(page.parent / wheel, "w") as archive:
            text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            text += f"Requires-Dist: {requires}\n" if requires else ""
            archive.writestr(f"{name}-{version}.dist-info/METADATA", text)


class Repository(Checkout):
    """A copy of this repository, which locks from the index and nothing else."""

    def __init__(self, folder: Path, index: Index):
        uv = {"UV_NO_CONFIG": "1", "UV_DEFAULT_INDEX": index.folder.as_uri()}
        environment = contributor(folder) | uv | {"UV_CACHE_DIR": str(folder / "cache")}
        super().__init__(copy_template(folder), environment)
        # Fewer combinations, which take less time.
        questions = QUESTIONS | {name: QUESTIONS[name][:1] for name in ("platform", "server")}
        self.write("cookiecutter.json", json.dumps(questions))
        self.write(PACKAGES, "")

    def pin(self, line: str, template: str, project: str) -> None:
        """Set the only dependency of template and project; ``line`` is the text of every lock."""
        self.write("pyproject.toml", PYPROJECT.format(template))
        self.write(f"{PROJECT}/pyproject.toml", PYPROJECT.format(project))
        for name in LOCKS:
            self.write(name, f"{line}\n")

    def locks(self) -> list[str]:
        return [self.read(name) for name in LOCKS]

    def fail(self) -> str:
        """Run the lock command, which has to fail and change no lock; return its output."""
        before = self.locks()
        with pytest.raises(CommandFailed) as failure:
            self.run(LOCK)
        assert self.locks() == before
        assert "Traceback" not in str(failure.value)
        return str(failure.value)


@pytest.fixture
def index(tmp_path) -> Index:
    index = Index(tmp_path / "index")
    index.release("good", "1.0")
    index.release("sample", "1.0")
    return index


@pytest.fixture
def repository(tmp_path, index) -> Repository:
    return Repository(tmp_path / "repository", index)


@pytest.mark.parametrize(
    ("pinned", "attributes", "options"), [("1.0", "", ""), ("2.0", "data-yanked", "--upgrade")]
)
def test_a_pin_is_kept_and_an_upgrade_takes_the_newest_that_is_not_yanked(
    repository, index, pinned, attributes, options
):
    index.release("sample", "2.0", attributes)
    repository.pin(f"sample=={pinned}", template="sample", project="sample")
    repository.run(f"{LOCK} {options}")
    assert all("\nsample==1.0\n" in lock for lock in repository.locks())
    # No project may have the name of a package that it installs.
    assert 'PACKAGES = """\n    sample\n"""' in repository.read("paas_questions.py")


@pytest.mark.parametrize(
    ("template", "generated", "attributes", "reason"),
    [
        ("sample", "good", 'data-yanked="it loses data"', "it loses data"),
        ("good", "sample", "data-yanked", "no reason given"),
    ],
)
def test_a_yanked_release_is_rejected_and_no_lock_changes(
    repository, index, template, generated, attributes, reason
):
    index.release("sample", "2.0", attributes)
    repository.pin("sample==2.0", template, generated)
    assert repository.fail().endswith(f"\nsample 2.0 was yanked ({reason}): try --upgrade.\n")


def test_a_requirement_that_no_release_fits_is_named_and_no_lock_changes(repository):
    repository.pin("sample==1.0", template="good", project="sample>=3")
    assert "sample>=3" in repository.fail()


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
    copy.run(LOCK)
    assert [copy.read(name) for name in LOCKS] == before
