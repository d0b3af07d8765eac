"""Every combination is built, released and started as on its platform, serves pages and stops."""

import re
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from websockets import InvalidStatus

from tests.harness.combinations import COMBINATIONS, examples, for_combinations, is_asgi
from tests.harness.site import STOPPED, Site, Visitor
from tests.harness.sockets import open_socket, receive_until, shows
from tests.harness.waiting import wait_until

pytestmark = for_combinations(COMBINATIONS)


@pytest.fixture(scope="session")
def person(site):
    """Someone who has signed up."""
    with site.visitor() as visitor:
        assert visitor.sign_up("hopper").is_redirect
        yield visitor


def test_the_build_installs_what_production_needs_and_collects_static_files(deployment):
    server = deployment.platform.commands()["web"].split()[0]
    assert (deployment.platform.programs / server).exists()
    assert not (deployment.platform.programs / "pytest").exists()
    assert (deployment.platform.folder / "staticfiles/staticfiles.json").exists()


def test_the_release_reports_nothing(deployment):
    assert "no issues" in deployment.release_log
    assert "warn" not in deployment.release_log.lower()


def test_the_home_page_is_served(visitor):
    page = visitor.get("/")
    assert page.status_code == 200
    assert re.search("<h1[^>]*>My Site</h1>", page.text)


def test_the_style_sheet_is_hashed_compressed_and_cached_for_good(visitor):
    path = re.search(r'href="(/static/site\.\w{12}\.css)"', visitor.get("/").text)[1]
    response = visitor.get(path)
    assert response.status_code == 200
    assert response.headers["Content-Encoding"] == "gzip"
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["Content-Type"].startswith("text/css")
    assert "--accent" in response.text
    plain = visitor.get(path, headers={"Accept-Encoding": "identity"})
    assert plain.text == response.text


def test_a_visitor_who_signs_up_is_logged_in_and_has_an_account(person):
    assert "Welcome, hopper." in person.get("/").text
    assert "You are hopper, hopper@example.com." in person.get("/accounts/").text


def test_the_admin_and_the_uploads_require_a_login(visitor, project):
    paths = ["/admin/", "/accounts/"] + ["/picture/"] * ("pictures" in examples(project.answers))
    for path in paths:
        assert visitor.get(path).is_redirect, path


def test_plain_http_is_redirected(site):
    with site.visitor("http") as visitor:
        response = visitor.get("/accounts/login/?next=/")
    assert response.status_code == 301
    assert response.headers["Location"] == f"https://{site.platform.host}/accounts/login/?next=/"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_health_check_with_any_host_over_plain_http_is_answered(site, path):
    def is_ok() -> bool:
        return visitor.get(path, headers={"Host": "10.244.0.7:8080"}).status_code == 200

    with site.visitor("http") as visitor:
        wait_until(is_ok, f"200 from {path}")


def test_it_listens_on_every_address(site):
    """The platform's router connects from another machine."""
    socket.create_connection(("127.0.0.2", site.port)).close()


def test_a_foreign_host_is_rejected(visitor):
    assert visitor.get("/", headers={"Host": "evil.example"}).status_code == 400


def test_the_websocket_of_the_presence_page_is_served_if_there_is_one(site, person, project):
    if "presence" in examples(project.answers):
        assert person.get("/presence/").status_code == 200
        with open_socket(site, person) as socket:
            receive_until(socket, shows("hopper", online=True))
    status = 403 if is_asgi(project.answers) else 404
    with pytest.raises(InvalidStatus) as rejected:
        open_socket(site, path="/no/such/socket")
    assert rejected.value.response.status_code == status


def stop_during_a_request(site: Site, person: Visitor, postgres, database: str) -> int:
    """Send SIGTERM while a page waits for a lock; returns the page's status."""
    with ThreadPoolExecutor(1) as background:
        with postgres.locked(database, "users_user"):
            page = background.submit(person.get, "/")
            wait_until(lambda: postgres.held_up(database), "a page that waits for the database")
            site.process.signal(signal.SIGTERM)
            time.sleep(1)  # time in which a server that drops requests has ended
        return page.result().status_code


def test_a_request_in_flight_at_sigterm_is_answered_and_the_process_ends(
    site, person, services, project
):
    """The last test of a combination, as it stops the site."""
    assert stop_during_a_request(site, person, services.postgres, project.database) == 200
    assert site.process.process.wait(site.platform.grace) in STOPPED, site.process.output()
    assert {event["level"] for event in site.events()} <= {"info", "warning"}
