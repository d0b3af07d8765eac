"""The generated project's CI workflow passes: its commands are run here, on servers of ours."""

import re

import pytest
import yaml

from rehearse.processes import CommandFailed
from tests.harness.checkouts import Checkout
from tests.harness.combinations import by_name, for_combinations

MOST = "heroku-asgi-uvicorn-use_celery-use_s3_media"
LEAST = "digitalocean-wsgi-waitress"
POSTGRES = "postgres://postgres:postgres@localhost:5432/postgres"
LINT, ON_SQLITE = "Lint, format, types, migrations", "Test on SQLite"
SECURE = "SESSION_COOKIE_SECURE"


class Runner:
    """Runs the workflow's job as GitHub does, but for actions and ``pip install``.

    ``database`` is the URL of ours, in place of the service's.
    """

    def __init__(self, checkout: Checkout, database: str):
        self.checkout, self.database = checkout, database
        workflow = yaml.safe_load(checkout.read(".github/workflows/ci.yml"))
        install, *steps = (step for step in workflow["jobs"]["test"]["steps"] if "run" in step)
        assert install == {"run": "pip install -r requirements-dev.txt"}
        self.steps = {step.pop("name"): step for step in steps}

    def run(self, name: str) -> str:
        """Run the step of that name and return what it printed; raises CommandFailed."""
        variables = self.steps[name].get("env", {})
        variables = {key: url.replace(POSTGRES, self.database) for key, url in variables.items()}
        return self.checkout.run(self.steps[name]["run"], CI="true", **variables)


@pytest.fixture
def runner(developer, empty_database) -> Runner:
    (developer.folder / ".env").unlink()
    return Runner(developer, empty_database)


@for_combinations(by_name(MOST, LEAST), apart="removal")
def test_every_step_of_the_workflow_passes(runner):
    # tests/servers/test_own_tests.py runs this step.
    assert runner.steps.pop(ON_SQLITE) == {"run": "make test"}
    printed = "".join(map(runner.run, runner.steps))
    assert re.search(r"\d+ passed", printed)
    assert "Erroneous migrations: 0/" in printed  # none locks a table


# A file, a line to add to it, the step that then fails, and part of its output.
MISTAKES = [
    ("pages/test_broken.py", "raise ValueError", ON_SQLITE, "1 error"),
    ("users/models.py", "    motto = models.TextField(blank=True)", LINT, "Add field motto"),
    ("static/site.css", "a { background: url('nowhere.svg') }", ON_SQLITE, "nowhere.svg"),
    ("config/settings.py", f"{SECURE} = False", ON_SQLITE, SECURE),
]


@for_combinations(by_name(LEAST), apart="removal")
def test_a_step_finds_what_is_wrong(runner):
    checkout = runner.checkout
    checkout.write("pages/test_broken.py", "")
    for name, line, step, sentence in MISTAKES:
        before = checkout.read(name)
        checkout.append(name, f"\n{line}\n")
        with pytest.raises(CommandFailed, match=re.escape(sentence)):
            runner.run(step)
        checkout.write(name, before)
