"""The workflow of the demo branches: its commands are run here, and push to a bare repository."""

import shutil
import sys
from pathlib import Path

import pytest
import yaml

from rehearsal.assertions import files_of
from rehearsal.combinations import CHOICES, TEMPLATE, bake
from rehearsal.processes import bare_environment, run

WORKFLOW = yaml.safe_load((TEMPLATE / ".github/workflows/demos.yml").read_text())
BRANCHES = [f"demo-{server}" for server in CHOICES["server"]]
ME = "-c user.name=Ada -c user.email=ada@example.com"
README = "{{cookiecutter.project_slug}}/README.md"
DAPHNE = "{{cookiecutter.project_slug}}/paas/servers/daphne.py"


class Repository:
    """A bare repository with the working tree as it stands, and one clone with its owner's work."""

    def __init__(self, folder: Path):
        self.folder, self.clone, self.runs = folder, folder / "clone", 0
        (folder / "programs").mkdir()
        # It would give git the token.
        (folder / "programs/gh").write_text("#!/bin/sh\n")
        (folder / "programs/gh").chmod(0o755)
        programs = f"{folder}/programs:{Path(sys.executable).parent}"
        self.environment = bare_environment(Path(programs), folder)
        ignored = shutil.ignore_patterns(".git", ".venv", ".hypothesis", "report", ".*_cache")
        shutil.copytree(TEMPLATE, self.clone, ignore=ignored)
        run("git init --quiet --bare -b main bare.git", folder, self.environment)
        run("git init --quiet -b main && git remote add origin ../bare.git", *self.in_clone)
        self.push("The template")

    @property
    def in_clone(self) -> tuple[Path, dict[str, str]]:
        return self.clone, self.environment

    def push(self, subject: str) -> None:
        run(f"git add --all && git {ME} commit --quiet -m '{subject}'", *self.in_clone)
        run("git push --quiet origin main", *self.in_clone)

    def add_line(self, name: str) -> None:
        with (self.clone / name).open("a") as file:
            file.write("# New.\n")

    def run_workflow(self) -> None:
        """Run the commands of the workflow's job in a clone of their own, as GitHub does."""
        self.runs += 1
        folder = self.folder / f"run-{self.runs}"
        run(f"git clone --quiet bare.git {folder.name}", self.folder, self.environment)
        steps = [step["run"] for step in WORKFLOW["jobs"]["bake"]["steps"] if "run" in step]
        assert steps.pop(0) == "pip install --constraint requirements.txt cookiecutter"
        assert len(steps) == 2
        for step in steps:
            run(f"set -e\n{step}", folder, self.environment)
        assert run("git status --short", folder, self.environment) == ""

    def git(self, command: str) -> str:
        return run(f"git --git-dir bare.git {command}", self.folder, self.environment).strip()

    def export(self, branch: str) -> Path:
        """A folder with the branch's files."""
        self.git(f"worktree add --quiet --detach {branch} {branch}")
        (self.folder / branch / ".git").unlink()
        return self.folder / branch

    def commits(self) -> dict[str, list[str]]:
        """The commits of each demo branch, the newest first."""
        listed = self.git("for-each-ref --format='%(refname:short)' refs/heads/demo-*").split()
        return {branch: self.git(f"rev-list {branch}").split() for branch in listed}


@pytest.fixture
def repository(tmp_path) -> Repository:
    return Repository(tmp_path)


def test_each_server_has_a_branch_that_gets_a_commit_when_its_project_changes(repository, tmp_path):
    repository.run_workflow()
    first = repository.commits()
    assert list(first) == BRANCHES
    assert [len(commits) for commits in first.values()] == [1] * len(BRANCHES)
    for server, branch in zip(CHOICES["server"], BRANCHES, strict=True):
        baked = bake({"server": server}, tmp_path / server)
        assert contents(repository.export(branch)) == contents(baked.parent)

    repository.run_workflow()
    assert repository.commits() == first

    repository.add_line(DAPHNE)
    repository.push("Serve more")
    repository.run_workflow()
    second = repository.commits()
    changed = second.pop("demo-asgi-daphne")
    assert second.items() < first.items()
    assert changed[1:] == first["demo-asgi-daphne"]
    diff = repository.git("diff demo-asgi-daphne~1 demo-asgi-daphne")
    assert [line for line in diff.splitlines() if line[0] in "+-"] == [
        "--- a/my_site/paas/servers/daphne.py",
        "+++ b/my_site/paas/servers/daphne.py",
        "+# New.",
    ]
    assert repository.git("log -1 --format=%an:%s demo-asgi-daphne") == "Ada:Serve more"


def test_a_contributor_sees_what_uncommitted_work_changes(repository):
    repository.run_workflow()
    pushed = repository.commits()
    # A local branch, which another branch of the template may have left there, counts for nothing.
    run("git fetch --quiet origin && git branch demo-wsgi-waitress main", *repository.in_clone)
    repository.add_line(README)
    run("python -m scripts.demos", *repository.in_clone)
    compared = "git diff --numstat origin/demo-wsgi-waitress...demo-wsgi-waitress"
    assert run(compared, *repository.in_clone) == "1\t0\tmy_site/README.md\n"
    assert run("git diff --name-only", *repository.in_clone) == f"{README}\n"
    assert repository.commits() == pushed


def test_only_the_job_may_write_and_only_the_step_that_pushes_has_the_token():
    # YAML 1.1 takes "on" for true.
    assert WORKFLOW[True] == {"push": {"branches": ["main"]}}
    assert WORKFLOW["permissions"] == {"contents": "read"}
    job = WORKFLOW["jobs"]["bake"]
    assert job["permissions"] == {"contents": "write"}
    checkout, *_, push = job["steps"]
    assert checkout["with"]["persist-credentials"] is False
    assert [step for step in job["steps"] if "env" in step] == [push]
    assert "git push" in push["run"]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files_of(folder)}
