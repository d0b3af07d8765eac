"""Every combination, built, released and started as its platform does it, serves its pages."""

import asyncio
import re

import pytest
import websockets
from rehearsal.processes import run
from rehearsal.site import Site

PASSWORD = "a long enough passphrase"


def test_it_is_built_released_and_started(site, report):
    megabytes = site.process.memory()
    report("boot s", f"{site.boot_seconds:.1f}")
    report("memory MB", f"{megabytes:.0f}")
    assert megabytes < 512


def test_the_home_page_is_served(visitor, project):
    page = visitor.get("/")
    assert page.status_code == 200
    assert "<h1>My Site</h1>" in page.text


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


def test_signing_up_logs_in_and_logging_out_and_in_works(visitor):
    visitor.submit(
        "/accounts/signup/",
        username="ada",
        email="ada@example.com",
        password1=PASSWORD,
        password2=PASSWORD,
    )
    assert "Welcome, ada." in visitor.get("/").text
    visitor.submit("/accounts/logout/", page="/")
    assert "Welcome" not in visitor.get("/").text
    assert visitor.submit("/accounts/login/", username="ada", password=PASSWORD).is_redirect
    assert "Welcome, ada." in visitor.get("/").text


def test_plain_http_is_redirected(site):
    with site.visitor("http") as visitor:
        response = visitor.get("/accounts/login/?next=/")
    assert response.status_code == 301
    assert response.headers["Location"] == f"https://{site.platform.host}/accounts/login/?next=/"


def test_https_is_promised_and_cookies_are_for_it_only(visitor):
    response = visitor.get("/accounts/login/")
    assert "max-age=" in response.headers["Strict-Transport-Security"]
    assert "Secure" in response.headers["Set-Cookie"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_health_check_with_any_host_over_plain_http_is_answered(site, path):
    with site.visitor("http") as visitor:
        response = visitor.get(path, headers={"Host": "10.244.0.7:8080"})
    assert response.status_code == 200, response.text


def test_a_foreign_host_is_refused(visitor):
    assert visitor.get("/", headers={"Host": "evil.example"}).status_code == 400


def test_the_deploy_checks_are_silent(deployment):
    platform, environment, release_log = deployment
    command = "python manage.py check --deploy --fail-level WARNING"
    assert "no issues" in run(command, platform.folder, environment)
    assert "warn" not in release_log.lower()


def test_a_web_socket_handshake_reaches_the_channels_router_if_there_is_one(site, project):
    with pytest.raises(websockets.InvalidStatus) as refusal:
        asyncio.run(open_socket(site, "/no/such/socket"))
    asgi = project.answers["server"].startswith("asgi")
    assert refusal.value.response.status_code == (403 if asgi else 404)


async def open_socket(site, path):
    headers = {"X-Forwarded-Proto": "https", "Origin": f"https://{site.platform.host}"}
    address = f"ws://{site.platform.host}{path}"
    async with websockets.connect(
        address, host="127.0.0.1", port=site.port, additional_headers=headers
    ):
        pass


def test_ordinary_visits_log_no_warning(deployment):
    platform, environment, _ = deployment
    with Site(platform, environment) as site:
        with site.visitor() as visitor:
            for path in ("/", "/accounts/signup/", "/accounts/login/", "/admin/login/", "/readyz"):
                assert visitor.get(path).status_code == 200
            style = re.search(r'href="(/static/[^"]+\.css)"', visitor.get("/").text)[1]
            assert visitor.get(style).status_code == 200
        site.process.stop()
        assert not re.search("warn|error|traceback", site.process.output(), re.IGNORECASE)
