"""``scripts/lock.py`` on a copy of this repository, which depends on a small index of its own."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from uv import find_uv_bin

from rehearsal.combinations import EACH_PLATFORM, TEMPLATE, for_combinations
from rehearsal.processes import run

PROJECT = "{{cookiecutter.project_slug}}"
LOCKS = ("requirements.txt", f"{PROJECT}/requirements.txt", f"{PROJECT}/requirements-dev.txt")
PYPROJECT = """\
[project]
name = "of-a-test"
version = "1"
dependencies = ["{0}"]

[dependency-groups]
dev = ["{0}"]
"""


class Index:
    """A package index in a folder, as PEP 503 has it."""

    def __init__(self, folder: Path):
        self.folder = folder

    def release(self, name: str, version: str, attributes: str = "") -> None:
        """Publish an empty package; ``attributes`` go to its link on the package's page."""
        page = self.folder / name / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        wheel = f"{name}-{version}-py3-none-any.whl"
        with page.open("a") as file:
            file.write(f'<a href="{wheel}" {attributes}>{wheel}</a>\n')
        with zipfile.ZipFile(page.parent / wheel, "w") as archive:
            info = f"{name}-{version}.dist-info"
            metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            archive.writestr(f"{info}/METADATA", metadata)
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")


class Repository:
    """A copy of this one, which locks from the index and nothing else."""

    def __init__(self, folder: Path, index: Index):
        self.folder, self.index = folder, index
        questions = json.loads((TEMPLATE / "cookiecutter.json").read_text())
        # Fewer combinations, which take less time.
        questions |= {name: questions[name][:1] for name in ("platform", "server")}
        (folder / "cookiecutter.json").write_text(json.dumps(questions))
        shutil.copy(TEMPLATE / "paas_questions.py", folder)
        for name in ("hooks", "scripts", "tests", PROJECT):
            shutil.copytree(TEMPLATE / name, folder / name)

    def ask_for(self, template: str, project: str) -> None:
        """Set what the template and the project depend on."""
        (self.folder / "pyproject.toml").write_text(PYPROJECT.format(template))
        (self.folder / PROJECT / "pyproject.toml").write_text(PYPROJECT.format(project))

    def pin(self, line: str) -> None:
        """Write this one line into each lock."""
        for name in LOCKS:
            (self.folder / name).write_text(f"{line}\n")

    def locks(self) -> dict[str, str]:
        return {name: (self.folder / name).read_text() for name in LOCKS}

    @property
    def environment(self) -> dict[str, str]:
        environment = {name: value for name, value in os.environ.items() if name[:3] != "UV_"}
        return environment | {
            "UV_NO_CONFIG": "1",
            "UV_DEFAULT_INDEX": self.index.folder.as_uri(),
            "UV_CACHE_DIR": str(self.folder / "cache"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def lock(self, *options: str) -> subprocess.CompletedProcess:
        words = [sys.executable, "-m", "scripts.lock", *options]
        return subprocess.run(
            words,
            cwd=self.folder,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )


@pytest.fixture
def index(tmp_path) -> Index:
    index = Index(tmp_path / "index")
    index.release("good", "1.0")
    index.release("sample", "1.0")
    return index


@pytest.fixture
def repository(tmp_path, index) -> Repository:
    folder = tmp_path / "repository"
    folder.mkdir()
    return Repository(folder, index)


def test_a_release_that_a_lock_pins_is_kept(repository, index):
    index.release("sample", "2.0")
    repository.ask_for(template="sample", project="sample")
    repository.pin("sample==1.0")
    done = repository.lock()
    assert done.returncode == 0, done.stderr
    for text in repository.locks().values():
        assert "\nsample==1.0\n" in text


@pytest.mark.parametrize(("template", "owner"), [("sample", "good"), ("good", "sample")])
@pytest.mark.parametrize(
    ("attributes", "reason"),
    [('data-yanked="it loses data"', "it loses data"), ("data-yanked", "no reason given")],
)
def test_a_yanked_release_is_refused_and_no_lock_changes(
    repository, index, template, owner, attributes, reason
):
    index.release("sample", "2.0", attributes)
    repository.ask_for(template, owner)
    repository.pin("sample==2.0")
    before = repository.locks()
    done = repository.lock()
    assert done.returncode == 1
    assert done.stderr == f"sample 2.0 was yanked ({reason}): try --upgrade.\n"
    assert repository.locks() == before


def test_an_upgrade_leaves_a_yanked_release_for_the_newest_other(repository, index):
    index.release("sample", "2.0", 'data-yanked="it loses data"')
    repository.ask_for(template="sample", project="sample")
    repository.pin("sample==2.0")
    done = repository.lock("--upgrade")
    assert done.returncode == 0, done.stderr
    template, project, tools = repository.locks().values()
    assert "\nsample==1.0\n" in template
    assert "\nsample==1.0\n" in project
    assert "sample==2.0" not in template + project + tools


def test_what_no_release_fits_is_told_and_no_lock_changes(repository):
    repository.ask_for(template="good", project="sample>=3")
    repository.pin("sample==1.0")
    before = repository.locks()
    done = repository.lock()
    assert done.returncode == 1
    assert "sample>=3" in done.stderr
    assert "Traceback" not in done.stderr
    assert repository.locks() == before


def test_the_weekly_run_takes_the_newest_cookiecutter_and_what_is_above_upper_bounds(
    repository, index
):
    for name, version in (("cookiecutter", "2.7"), ("cookiecutter", "4.0"), ("sample", "2.0")):
        index.release(name, version)
    repository.ask_for(template="cookiecutter>=2.7", project="sample>=1,<2")
    repository.pin("sample==1.0")
    workflow = yaml.safe_load((TEMPLATE / ".github/workflows/weekly.yml").read_text())
    steps = [step["run"] for step in workflow["jobs"]["test"]["steps"] if "run" in step]
    # It installs the new lock, and runs all tests on what that brings.
    assert (steps.pop(0), steps.pop()) == ("pip install -r requirements.txt", ".ci/run")
    assert len(steps) == 3
    run("git init --quiet && git add --all", repository.folder, repository.environment)
    printed = "".join(run(step, repository.folder, repository.environment) for step in steps)
    template, project, tools = repository.locks().values()
    assert "\ncookiecutter==4.0\n" in template
    assert "\nsample==2.0\n" in project
    assert "\nsample==2.0\n" in tools
    # The log says what is new.
    assert "+cookiecutter==4.0" in printed


def test_no_upper_bound_keeps_a_newer_cookiecutter_from_the_weekly_run():
    groups = tomllib.loads((TEMPLATE / "pyproject.toml").read_text())["dependency-groups"]
    requirements = [*groups["dev"]]
    for package in metadata.distributions():
        requirements += package.requires or []
    ours = [each for each in requirements if re.match(r"cookiecutter\b(?!-)", each)]
    assert len(ours) >= 3  # of this repository, cruft and pytest-cookies
    assert [each for each in ours if re.search("<|==|~=", each)] == []


PROJECT_LOCKS = ("requirements.txt", "requirements-dev.txt")


def make(verb: str, folder: Path, **environment: str) -> dict[str, list[str]]:
    """Type `make` and this verb in a baked project, and return the lines of its locks."""
    programs = f"{Path(find_uv_bin()).parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": programs} | environment
    subprocess.run(["make", verb], cwd=folder, env=environment, check=True)
    return project_locks(folder)


def project_locks(folder: Path) -> dict[str, list[str]]:
    return {name: (folder / name).read_text().splitlines() for name in PROJECT_LOCKS}


@for_combinations(EACH_PLATFORM)
def test_make_lock_changes_nothing_in_an_untouched_project(project, tmp_path):
    folder = project.checkout(tmp_path.name)
    locks = project_locks(folder)
    assert make("lock", folder) == locks


@for_combinations(EACH_PLATFORM[:1])
def test_make_lock_adds_a_new_dependency_and_make_upgrade_takes_newer_versions(
    project, index, tmp_path
):
    folder = project.checkout(tmp_path.name)
    before = project_locks(folder)
    pyproject = folder / "pyproject.toml"
    text = pyproject.read_text()
    pyproject.write_text(text.replace('    "environs', '    "sample-of-ours",\n    "environs'))
    index.release("sample_of_ours", "1.0")
    # A newer version of a package that is in the lock already.
    index.release("structlog", "1000.0")
    wheels = {"UV_FIND_LINKS": f"{index.folder}/sample_of_ours,{index.folder}/structlog"}

    for name, lines in make("lock", folder, **wheels).items():
        assert [line for line in lines if line not in before[name]] == ["sample-of-ours==1.0"]
        assert [line for line in before[name] if line not in lines] == []
    for lines in make("upgrade", folder, **wheels).values():
        assert "structlog==1000.0" in lines
