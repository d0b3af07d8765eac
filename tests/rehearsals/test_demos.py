"""The workflow of the demo branches: its commands are run here, and push to a bare repository."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.harness.checkouts import Checkout, contributor, copy_template
from tests.harness.combinations import CHOICES, TEMPLATE, bake

README = "{{cookiecutter.project_slug}}/README.md"
PYPROJECT = "{{cookiecutter.project_slug}}/pyproject.toml"
DAPHNE = '    "django-paas[daphne]",'  # a line of one server's project
BRANCHES = [f"demo-{server}" for server in CHOICES["server"]]
LIST = "git for-each-ref --format='%(refname:short)' refs/heads/demo-*"


class Repository:
    """``bare``, which GitHub would have, and a ``clone`` of it with its owner's work."""

    def __init__(self, folder: Path):
        environment = contributor(folder)
        environment["PATH"] = f"{folder}/programs:{environment['PATH']}"
        self.folder = folder
        self.bare, self.clone, self.job = (
            Checkout(folder / name, environment) for name in ("bare.git", "clone", "job")
        )

    def push(self, subject: str) -> None:
        self.clone.run(f"git add --all\ngit commit -qm '{subject}'\ngit push -q origin main")

    def run_workflow(self) -> None:
        """Run the commands of the workflow's job in a new clone, as GitHub does."""
        workflow = yaml.safe_load((TEMPLATE / ".github/workflows/demos.yml").read_text())
        install, *steps = (step["run"] for step in workflow["jobs"]["bake"]["steps"][2:])
        assert install == "pip install --constraint requirements.txt cookiecutter"
        assert len(steps) == 2
        self.bare.run("rm -rf ../job\ngit clone -q . ../job")
        for step in steps:
            self.job.run(step)
        assert self.job.run("git status --short") == ""

    def commits(self) -> dict[str, list[str]]:
        """The commits of each demo branch, the newest first."""
        branches = self.bare.run(LIST).split()
        return {branch: self.bare.run(f"git rev-list {branch}").split() for branch in branches}


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Repository:
    """This working tree, pushed, and the workflow run once."""
    repository = Repository(tmp_path_factory.mktemp("demos"))
    clone = repository.clone
    copy_template(clone.folder)
    # In place of the real one, which gives git the token.
    clone.write("../programs/gh", "#!/bin/sh\n")
    clone.run("chmod +x ../programs/gh\ngit init -q --bare -b main ../bare.git")
    clone.run("git init -q -b main\ngit remote add origin ../bare.git")
    repository.push("The template")
    repository.run_workflow()
    return repository


@pytest.fixture
def repository(published, tmp_path) -> Repository:
    return Repository(shutil.copytree(published.folder, tmp_path / "demos"))


def test_each_server_has_a_branch_that_gets_a_commit_when_its_project_changes(repository, tmp_path):
    first = repository.commits()
    assert list(first) == BRANCHES
    assert [len(commits) for commits in first.values()] == [1] * len(BRANCHES)
    for server, branch in zip(CHOICES["server"], BRANCHES, strict=True):
        baked = bake({"server": server}, tmp_path / server)
        repository.bare.run(
            f"rm -rf ../my_site\ngit archive {branch} | tar -x -C ..\ndiff -r ../my_site {baked}"
        )

    repository.run_workflow()
    assert repository.commits() == first

    repository.clone.replace(PYPROJECT, DAPHNE, f"{DAPHNE}  # new")
    repository.push("Serve more")
    repository.run_workflow()
    second = repository.commits()
    changed = second.pop("demo-asgi-daphne")
    assert second.items() < first.items()
    assert changed[1:] == first["demo-asgi-daphne"]
    shown = repository.bare.run("git show --format=%an:%s demo-asgi-daphne")
    assert [line for line in shown.splitlines() if line.startswith(("Ada", "+", "-"))] == [
        "Ada:Serve more",
        "--- a/my_site/pyproject.toml",
        "+++ b/my_site/pyproject.toml",
        f"-{DAPHNE}",
        f"+{DAPHNE}  # new",
    ]


def test_a_contributor_sees_what_uncommitted_work_changes(repository):
    pushed, clone = repository.commits(), repository.clone
    # An existing local branch is ignored, as another branch of the template may have made it.
    clone.run("git fetch -q origin\ngit branch demo-wsgi-waitress main")
    clone.append(README, "# New.\n")
    clone.run("python -m scripts.demos")
    compared = "git diff --numstat origin/demo-wsgi-waitress...demo-wsgi-waitress"
    assert clone.run(compared) == "1\t0\tmy_site/README.md\n"
    assert clone.run("git diff --name-only") == f"{README}\n"
    assert repository.commits() == pushed
