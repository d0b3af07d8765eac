"""A new process takes over under load, and no visitor notices."""

import re

import pytest

from tests.harness.combinations import is_asgi
from tests.harness.site import STOPPED
from tests.harness.visitors import deploy

REQUESTS = 400
PAGES = 10
# Seconds between a client's requests, which bound those of App Platform's 15 s before SIGTERM.
PAUSE = 0.2


@pytest.fixture(scope="module")
def old(deployment):
    """The process that the deployment replaces, after a few visits."""
    with deployment.site() as site, site.visitor() as visitor:
        home = visitor.get("/").text
        style = re.search(r'href="(/static/[^"]+\.css)"', home)[1]
        for path in (style, "/accounts/signup/", "/accounts/login/"):
            assert visitor.get(path).status_code == 200
        assert visitor.get("/no/such/page").status_code == 404
        yield site


@pytest.fixture(scope="module")
def pages(project) -> int:
    return PAGES if is_asgi(project.answers) else 0


@pytest.fixture(scope="module")
def found(deployment, old, sessions, pages) -> dict:
    return deploy(deployment, old, sessions[0], sessions[:pages], REQUESTS, PAUSE)


def test_a_deploy_under_load_fails_no_request_and_every_page_comes_back(
    found, pages, project, report
):
    report("lost requests", sum(found["lost"].values()))
    assert found["status"] in STOPPED
    # Daphne cannot send 1012.
    code = 4012 if project.answers["server"] == "asgi-daphne" else 1012
    expected = {"lost": {}, "codes": [code] * pages, "pages": pages}
    assert {name: found[name] for name in expected} == expected


def test_every_line_from_start_to_end_is_an_event(found, old):
    events = old.process.events()
    paths = {event.get("path") for event in events}
    assert {"/", "/accounts/login/", "/no/such/page"} <= paths
    assert not {"/healthz", "/readyz"} & paths
    for event in events:
        assert {"event", "level", "logger", "timestamp"} <= set(event)
        # Ordinary visits log no warning, unless a busy machine lets them wait for a thread.
        assert event["level"] == "info" or event["logger"] == "waitress.queue", event
