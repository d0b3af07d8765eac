"""Each server runs on every version of Python that is offered; all other tests run on one of them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rehearse.buildpack import install
from rehearse.platforms import PLATFORMS
from tests.harness.checkouts import Checkout
from tests.harness.combinations import OWN_TESTS, QUESTIONS, for_combinations, is_asgi
from tests.harness.commands import developer_environment
from tests.harness.deployment import Deployment
from tests.harness.site import STOPPED
from tests.harness.sockets import open_socket

pytestmark = for_combinations(OWN_TESTS, apart="Python versions")

RUNNING = "{}.{}".format(*sys.version_info)
# Versions that must be installed, as in our workflow; others are skipped if they are not.
REQUIRED = os.environ.get("PYTHON_VERSIONS", "").split()


def runs(command: str) -> bool:
    """Whether the interpreter starts: pyenv's shims of inactive versions do not."""
    done = subprocess.run(["sh", "-c", f"'{command}' -c ''"], check=False, capture_output=True)
    return done.returncode == 0


def find_python(version: str) -> str:
    """The path of an interpreter of that version, or ""."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = map(str, pyenv.glob(f"versions/{version}.*/bin/python"))
    return next(filter(runs, [shutil.which(f"python{version}") or "", *found]), "")


@pytest.fixture(params=[version for version in QUESTIONS["python_version"] if version != RUNNING])
def python(request) -> str:
    """The path of an interpreter."""
    path = find_python(request.param)
    if not path and request.param not in REQUIRED:
        pytest.skip(f"Python {request.param} is not installed")
    assert path, f"Python {request.param} is not installed, and PYTHON_VERSIONS names it"
    return path


def test_its_own_tests_pass(project, python, tmp_path):
    folder = project.checkout(tmp_path.name)
    install("requirements-dev.txt", folder, tmp_path / "environment", python)
    Checkout(folder, developer_environment(tmp_path / "environment/bin", folder)).run("make test")


def test_it_is_built_and_released_and_serves_pages_until_it_is_stopped(
    project, python, services, variables, tmp_path
):
    services.postgres.create_database(tmp_path.name)
    platform = PLATFORMS[project.answers["platform"]](project.checkout(tmp_path.name))
    platform.python = python
    deployment = Deployment.make(platform, services, tmp_path.name, **variables)
    with deployment.site() as site, site.visitor() as visitor:
        assert visitor.sign_up("hopper").is_redirect
        assert "Welcome, hopper." in visitor.get("/").text
        if is_asgi(project.answers):
            open_socket(site, visitor).close()
        assert site.process.stop() in STOPPED, site.process.output()
