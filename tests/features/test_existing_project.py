"""A project of ``django-admin startproject`` gets the package by the five steps of its README."""

import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rehearse.processes import CommandFailed, run
from tests.harness.deployment import Deployment
from tests.harness.existing import ExistingProject
from tests.harness.site import STOPPED
from tests.harness.waiting import wait_until

VARIABLES = ("SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL")


@pytest.fixture(scope="module")
def deployment(project, services, tmp_path_factory) -> Deployment:
    """Released, with an environment that it shares with the template's project for the server."""
    programs = project.environment("requirements.txt")
    folder = tmp_path_factory.mktemp("existing") / "mysite"
    platform = ExistingProject(folder, project.answers["server"], programs)
    database = f"existing_{project.database}"
    services.postgres.create_database(database)
    return Deployment.make(platform, services, database)


@pytest.fixture(scope="module")
def site(deployment):
    with deployment.site() as site:
        yield site


def test_release_migrates_without_a_warning(deployment):
    assert "warn" not in deployment.release_log.lower()
    assert "Applying sessions.0001_initial... OK" in deployment.release_log


def test_release_and_web_process_name_missing_variables(deployment):
    """And how the platform sets it."""
    platform = deployment.platform
    environment = platform.build_environment() | {"PORT": "1"}
    # The web process would go on if it did not exit.
    for process in ("release", "web"):
        with pytest.raises(CommandFailed) as failure:
            run(f"timeout 60 {platform.commands()[process]}", platform.folder, environment)
        for name in VARIABLES:
            assert re.search(f"{name} .+heroku", str(failure.value), re.DOTALL), process


def test_health_checks_pages_and_static_files_are_served(site):
    with site.visitor() as visitor, site.visitor("http") as plain:
        for path in ("/healthz", "/readyz"):
            assert plain.get(path, headers={"Host": "10.244.0.7:8080"}).status_code == 200
        for path in ("/admin/login/", "/static/admin/css/base.css"):
            assert visitor.get(path).status_code == 200
            assert plain.get(path).status_code == 301


def test_request_in_flight_at_sigterm_is_answered_and_logged(site, services, project):
    """The last test of a server, as it stops the site."""
    database = f"existing_{project.database}"
    with site.visitor() as visitor, ThreadPoolExecutor(1) as background:
        visitor.cookies["sessionid"] = "a" * 32
        with services.postgres.locked(database, "django_session"):
            page = background.submit(visitor.get, "/admin/")
            wait_until(lambda: services.postgres.held_up(database), "a page that waits")
            site.process.signal(signal.SIGTERM)
            time.sleep(1)  # time in which a server that drops requests has ended
        assert page.result().status_code == 302
    assert site.process.process.wait(site.platform.grace) in STOPPED, site.process.output()
    requests = [event for event in site.events() if event["event"] == "request"]
    assert (requests[-1]["path"], requests[-1]["address"]) == ("/admin/", "203.0.113.7")
