"""Every combination, built, released and started as its platform does it, serves its pages."""

import re

import pytest
from combinations import COMBINATIONS, for_combinations, is_asgi
from rehearsal.site import PASSWORD
from rehearsal.sockets import open_socket
from websockets import InvalidStatus

pytestmark = for_combinations(COMBINATIONS)


# The idle connection, for test_router.py, takes its time: so it is made first.
def test_it_is_built_released_and_started(site, idle_connection, report):
    report("boot s", round(site.boot_seconds, 1))
    report("memory MB", round(site.boot_megabytes))
    assert site.boot_megabytes < 512


def test_the_home_page_is_served(visitor, project):
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


def test_an_account_without_confirmation_from_sign_up_to_its_end(site, visitor):
    visitor.sign_up("hopper")
    assert "Welcome, hopper." in visitor.get("/").text
    visitor.submit("/accounts/logout/", page="/")
    assert "Welcome" not in visitor.get("/").text
    # No mail server runs here: test_account_pages.py opens the link in the mail.
    assert visitor.submit("/accounts/password/reset/", email="hopper@example.com").is_redirect
    assert visitor.log_in("HOPPER").is_redirect
    with site.visitor() as phone:
        assert phone.log_in("hopper@example.com").is_redirect
        assert "You are hopper, hopper@example.com." in phone.get("/accounts/").text
        new = {"password1": f"{PASSWORD} 2", "password2": f"{PASSWORD} 2"}
        assert visitor.submit("/accounts/password/change/", oldpassword=PASSWORD, **new).is_redirect
        assert phone.get("/accounts/").headers["Location"].startswith("/accounts/login/")
    assert "reauthenticate" in visitor.get("/accounts/username/").headers["Location"]
    assert visitor.submit("/accounts/reauthenticate/", password=f"{PASSWORD} 2").is_redirect
    assert visitor.submit("/accounts/username/", username="Murray").is_redirect
    assert "You are Murray, hopper@example.com." in visitor.get("/accounts/").text
    assert visitor.submit("/accounts/delete/").is_redirect
    assert visitor.get("/accounts/").is_redirect
    assert visitor.log_in("Murray").status_code == 200


def test_plain_http_is_redirected(site):
    with site.visitor("http") as visitor:
        response = visitor.get("/accounts/login/?next=/")
    assert response.status_code == 301
    assert response.headers["Location"] == f"https://{site.platform.host}/accounts/login/?next=/"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_health_check_with_any_host_over_plain_http_is_answered(site, path):
    with site.visitor("http") as visitor:
        response = visitor.get_with_retries(path, headers={"Host": "10.244.0.7:8080"})
    assert response.status_code == 200, response.text


def test_a_foreign_host_is_refused(visitor):
    assert visitor.get("/", headers={"Host": "evil.example"}).status_code == 400


def test_the_deploy_checks_are_silent(deployment):
    assert "no issues" in deployment.release_log
    assert "warn" not in deployment.release_log.lower()


def test_a_web_socket_handshake_reaches_the_channels_router_if_there_is_one(site, project):
    with pytest.raises(InvalidStatus) as refusal:
        open_socket(site, path="/no/such/socket")
    assert refusal.value.response.status_code == (403 if is_asgi(project.answers) else 404)
