"""The packages of the project's locks, all of them together, for what is no project's own test."""

from pathlib import Path

import pytest

from rehearse.buildpack import install
from tests.harness.combinations import TEMPLATE

PROJECT = TEMPLATE / "{{cookiecutter.project_slug}}"
# What the tests of channels_redis import besides.
FOR_SUITES = ["async-timeout"]


def locked() -> list[str]:
    """The line of each package with a version, such as ``django==6.1.3``."""
    lines = (PROJECT / "requirements-dev.txt").read_text().splitlines()
    return [line for line in lines if "==" in line and line[0] not in "#{"]


@pytest.fixture(scope="session")
def locked_programs(tmp_path_factory) -> Path:
    """The ``bin`` folder of an environment with all of them."""
    folder = tmp_path_factory.mktemp("locked")
    (folder / "requirements.txt").write_text("\n".join([*locked(), *FOR_SUITES]))
    install("requirements.txt", folder, folder / "environment")
    return folder / "environment/bin"
