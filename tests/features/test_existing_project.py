"""A project of ``django-admin startproject`` gets the package by the five steps of its README."""

import re
import signal
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor

import pytest

from rehearse.processes import CommandFailed, run
from rehearse.uploads import Upload
from tests.harness.combinations import PACKAGE
from tests.harness.deployment import Deployment
from tests.harness.existing import ExistingProject, files
from tests.harness.site import STOPPED
from tests.harness.waiting import wait_until

LIMIT = 10_000_000  # MAX_BODY_SIZE
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


def test_the_extras_of_the_first_step_are_those_of_the_package(project):
    pyproject = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    required = files(project.answers["server"])["requirements.txt"]
    extras = re.fullmatch(r"\./vendor/django-paas\[(.+)\]\n", required)[1]
    assert set(extras.split(",")) <= set(pyproject["optional-dependencies"])


def test_the_release_has_nothing_to_report_and_migrates(deployment):
    assert "no issues" in deployment.release_log
    assert "warn" not in deployment.release_log.lower()
    assert "Applying sessions.0001_initial... OK" in deployment.release_log


def test_the_release_and_the_web_process_name_each_missing_variable(deployment):
    """And how the platform sets it."""
    platform = deployment.platform
    environment = platform.build_environment() | {"PORT": "1"}
    # The web process would go on if it did not exit.
    for command in (platform.command("release"), f"timeout 60 {platform.command('web')}"):
        with pytest.raises(CommandFailed) as failure:
            run(command, platform.folder, environment)
        for name in VARIABLES:
            assert re.search(f"{name} .+heroku", str(failure.value), re.DOTALL), command


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_health_check_with_any_host_over_plain_http_is_answered(site, path):
    with site.visitor("http") as visitor:
        assert visitor.get(path, headers={"Host": "10.244.0.7:8080"}).status_code == 200


@pytest.mark.parametrize("path", ["/admin/login/", "/static/admin/css/base.css"])
def test_a_page_and_a_style_sheet_are_served_over_https(site, path):
    with site.visitor() as visitor, site.visitor("http") as plain:
        assert visitor.get(path).status_code == 200
        assert plain.get(path).status_code == 301


def test_a_body_above_the_limit_is_refused(site, project):
    # 403 is from Django, which got all of it.
    assert Upload(LIMIT).send(site, "/admin/login/").status == 403
    response = Upload(LIMIT + 1).send(site, "/admin/login/")
    is_daphne = project.answers["server"] == "asgi-daphne"  # which may disconnect
    assert response.status == 413 if response else is_daphne


def test_a_request_in_flight_at_sigterm_is_answered_and_each_line_is_json(site, services, project):
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
    requests = [event for event in site.process.events() if event["event"] == "request"]
    assert (requests[-1]["path"], requests[-1]["address"]) == ("/admin/", "203.0.113.7")
