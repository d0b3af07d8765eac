"""The GitHub workflows of this repository and of generated projects, as files."""

import re
import tomllib

import yaml

from tests.harness.combinations import (
    COMBINATIONS,
    PACKAGE,
    TEMPLATE,
    for_combinations,
    needs_redis,
)


def test_only_the_job_may_write_and_only_the_step_that_pushes_has_the_token():
    workflow = yaml.safe_load((TEMPLATE / ".github/workflows/demos.yml").read_text())
    # YAML 1.1 takes "on" for true.
    assert workflow[True] == {"push": {"branches": ["main"]}}
    assert workflow["permissions"] == {"contents": "read"}
    job = workflow["jobs"]["bake"]
    assert job["permissions"] == {"contents": "write"}
    checkout, *_, push = job["steps"]
    assert checkout["with"]["persist-credentials"] is False
    assert [step for step in job["steps"] if "env" in step] == [push]
    assert "git push" in push["run"]


def test_only_a_tag_of_the_package_publishes_and_without_a_token():
    workflow = yaml.safe_load((TEMPLATE / ".github/workflows/release.yml").read_text())
    assert workflow[True] == {"push": {"tags": ["django-paas-v*"]}}
    assert workflow["permissions"] == {"contents": "read"}
    job = workflow["jobs"]["publish"]
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    assert job["steps"][0]["with"]["persist-credentials"] is False
    build, publish = (step["run"] for step in job["steps"][-2:])
    assert TEMPLATE / build.split('"')[1] == PACKAGE
    version = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]["version"]
    tag, wheel = f"django-paas-v{version}", publish.split('"')[1]
    wheel = re.sub(r"\$\{GITHUB_REF_NAME#(.+?)\}", lambda match: tag.removeprefix(match[1]), wheel)
    assert wheel == f"dist/django_paas-{version}-py3-none-any.whl"
    assert "secrets." not in str(workflow)


@for_combinations(COMBINATIONS)
def test_the_services_are_where_the_steps_look_for_them(project):
    workflow = yaml.safe_load((project.folder / ".github/workflows/ci.yml").read_text())
    services = workflow["jobs"]["test"]["services"]
    ports = {name: service["ports"] for name, service in services.items()}
    redis = {"valkey": ["6379:6379"]} if needs_redis(project.answers) else {}
    assert ports == {"postgres": ["5432:5432"]} | redis
    assert services["postgres"]["env"]["POSTGRES_PASSWORD"] == "postgres"
    assert all("--health-cmd" in service["options"] for service in services.values())
    text = str(workflow["jobs"]["test"]["steps"])
    assert "postgres://postgres:postgres@localhost:5432/" in text
    assert ("redis://localhost:6379" in text) == bool(redis)
