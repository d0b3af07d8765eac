"""The generated project's CI workflow passes: its commands are run here, on servers of ours."""

import json
import re
from pathlib import Path

import pytest
import yaml

from rehearsal.combinations import by_name, for_combinations, needs_redis
from rehearsal.processes import CommandFailed, developer_environment, run

MOST = "heroku-asgi-gunicorn-use_celery-use_s3_media"
LEAST = "digitalocean-wsgi-waitress"


class Runner:
    """Runs the workflow's job in ``folder`` as GitHub does, but for what takes the network.

    The actions are left out, and ``programs`` stand for what ``pip install`` brings. What the job
    reaches at one of ``addresses``, a service's, is taken to ours.
    """

    def __init__(self, folder: Path, programs: Path, addresses: dict[str, str]):
        self.folder, self.programs, self.addresses = folder, programs, addresses
        workflow = yaml.safe_load((folder / ".github/workflows/ci.yml").read_text())
        self.job = workflow["jobs"]["test"]
        steps = [step for step in self.job["steps"] if "run" in step]
        assert steps.pop(0) == {"run": "pip install -r requirements-dev.txt"}
        self.steps = {step["name"]: step for step in steps}

    def run(self, name: str) -> str:
        """Run the step of that name and return what it printed; raises CommandFailed."""
        step = self.steps[name]
        own = {key: self.routed(value) for key, value in step.get("env", {}).items()}
        environment = developer_environment(self.programs, self.folder) | {"CI": "true"} | own
        # GitHub's shell ends at the first command that fails.
        return run(f"set -e\n{step['run']}", self.folder, environment)

    def routed(self, value: str) -> str:
        for address, ours in self.addresses.items():
            value = value.replace(address, ours)
        return value


@pytest.fixture
def runner(project, services, tmp_path) -> Runner:
    services.postgres.create_database(tmp_path.name)
    addresses = {
        "postgres://postgres:postgres@localhost:5432/postgres": services.postgres.url(
            tmp_path.name
        ),
        "redis://localhost:6379": services.valkey.url(),
    }
    folder = project.checkout(tmp_path.name)
    return Runner(folder, project.environment("requirements-dev.txt"), addresses)


@for_combinations(by_name(MOST, LEAST))
def test_every_step_of_the_workflow_passes(runner, project):
    printed = "".join(map(runner.run, runner.steps))
    assert len(re.findall(r"\d+ passed", printed)) == 2
    assert "static files copied" in printed
    parts = ["database", "redis"] if needs_redis(project.answers) else ["database"]
    assert json.dumps(dict.fromkeys(parts, "ok")) in printed


@for_combinations(by_name(MOST, LEAST))
def test_the_services_are_where_the_steps_look_for_them(runner, project):
    services = runner.job["services"]
    ports = {name: service["ports"] for name, service in services.items()}
    redis = {"valkey": ["6379:6379"]} if needs_redis(project.answers) else {}
    assert ports == {"postgres": ["5432:5432"]} | redis
    assert services["postgres"]["env"]["POSTGRES_PASSWORD"] == "postgres"
    assert all("--health-cmd" in service["options"] for service in services.values())


def break_a_test(folder: Path) -> None:
    (folder / "tests/test_broken.py").write_text("def test_it():\n    raise ValueError\n")


def forget_a_migration(folder: Path) -> None:
    with (folder / "users/models.py").open("a") as models:
        models.write("\n    motto = models.TextField(blank=True)\n")


def refer_to_no_file(folder: Path) -> None:
    with (folder / "static/site.css").open("a") as style:
        style.write("body { background: url('nowhere.svg'); }\n")


def send_cookies_in_the_clear(folder: Path) -> None:
    with (folder / "config/settings.py").open("a") as settings:
        settings.write("\nSESSION_COOKIE_SECURE = False\n")


@for_combinations(by_name(LEAST))
@pytest.mark.parametrize(
    ("harm", "step", "sentence"),
    [
        (break_a_test, "Test on SQLite", "1 failed"),
        (forget_a_migration, "Lint, format, types, migrations", "Add field motto"),
        (refer_to_no_file, "Build without configuration", "nowhere.svg"),
        (send_cookies_in_the_clear, "Release with all of it", "SESSION_COOKIE_SECURE must be on"),
    ],
)
def test_a_step_finds_what_is_wrong(runner, harm, step, sentence):
    harm(runner.folder)
    with pytest.raises(CommandFailed, match=re.escape(sentence)):
        runner.run(step)
