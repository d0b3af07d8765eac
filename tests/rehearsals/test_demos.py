"""The workflow of the demo branches: its commands are run here, and push to a bare repository."""

import yaml

from tests.harness.checkouts import Checkout, contributor, copy_template
from tests.harness.combinations import CHOICES, TEMPLATE, bake

DAPHNE = '    "django-paas[daphne]",'  # a line of one server's project
LIST = "git for-each-ref --format='%(refname:short) %(objectname)' refs/heads/demo-*"


def test_each_server_has_a_branch_that_gets_a_commit_when_its_project_changes(tmp_path):
    environment = contributor(tmp_path)
    environment["PATH"] = f"{tmp_path}/programs:{environment['PATH']}"
    clone = Checkout(copy_template(tmp_path / "clone"), environment)
    bare = Checkout(tmp_path / "bare.git", environment)
    # In place of the real one, which gives git the token.
    clone.write("../programs/gh", "#!/bin/sh\n")
    clone.run("chmod +x ../programs/gh\ngit init -q --bare -b main ../bare.git")
    clone.run("git init -q -b main\ngit remote add origin ../bare.git")
    workflow = yaml.safe_load((TEMPLATE / ".github/workflows/demos.yml").read_text())
    steps = [step["run"] for step in workflow["jobs"]["bake"]["steps"][3:]]
    assert len(steps) == 2

    def push(subject: str) -> dict[str, str]:
        """Push the clone's work, and run the workflow's steps in a new clone; returns the branches."""
        clone.run(f"git add --all\ngit commit -qm '{subject}'\ngit push -q origin main")
        bare.run("rm -rf ../job\ngit clone -q . ../job")
        for step in steps:
            Checkout(tmp_path / "job", environment).run(step)
        return dict(line.split() for line in bare.run(LIST).splitlines())

    first = push("The template")
    assert list(first) == sorted(f"demo-{server}" for server in CHOICES["server"])
    baked = bake({"server": "asgi-daphne"}, tmp_path / "baked")
    bare.run(f"git archive demo-asgi-daphne | tar -x -C ..\ndiff -r ../my_site {baked}")

    clone.replace("{{cookiecutter.project_slug}}/pyproject.toml", DAPHNE, f"{DAPHNE}  # new")
    second = push("Serve more")
    assert [branch for branch in first if first[branch] != second[branch]] == ["demo-asgi-daphne"]
    shown = bare.run("git show --format=%an:%s:%P demo-asgi-daphne").splitlines()
    assert shown[0] == f"Ada:Serve more:{first['demo-asgi-daphne']}"
    assert [line for line in shown[1:] if line.startswith(("+ ", "- "))] == [
        f"-{DAPHNE}",
        f"+{DAPHNE}  # new",
    ]
