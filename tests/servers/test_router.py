"""What a visitor says of themselves never wins over what the platform's router knows."""

import asyncio
import json

import pytest
from websockets import InvalidStatus

from rehearsal.combinations import ASGI, for_combinations
from rehearsal.load import Answer, Client
from rehearsal.router import VISITOR_ADDRESS, Router
from rehearsal.sockets import open_socket

# A page that tells what the process believes of a request, beside the project's own.
REQUEST_FACTS = """
from django.http import JsonResponse
from django.urls import include, path


def request_facts(request):
    return JsonResponse(
        {
            "address": request.META["REMOTE_ADDR"],
            "is_secure": request.is_secure(),
            "page": request.build_absolute_uri(),
            "script": request.META["SCRIPT_NAME"],
            "method": request.method,
        }
    )


urlpatterns = [path("request_facts/", request_facts), path("", include("config.urls"))]
"""
SETTINGS = """
from config.settings import *

ROOT_URLCONF = "request_facts"
"""
SPOOFS = {
    "X-Forwarded-For": "198.51.100.66, 198.51.100.67",
    "X_Forwarded_For": "198.51.100.66",
    "X-Forwarded-Proto": "http",
    "X_Forwarded_Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "8888",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Ssl": "off",
    "X-Scheme": "http",
    "Forwarded": "for=198.51.100.66;host=evil.example;proto=http",
    "X-Real-IP": "198.51.100.66",
    "X-Client-IP": "198.51.100.66",
    "DO-Connecting-IP": "198.51.100.66",
    "DO_Connecting_IP": "198.51.100.66",
    "CF-Connecting-IP": "198.51.100.66",
    "True-Client-IP": "198.51.100.66",
    "Daphne-Root-Path": "/evil",
    "SCRIPT_NAME": "/evil",
    "Script-Name": "/evil",
    "PATH_INFO": "/evil",
    "REMOTE_ADDR": "198.51.100.66",
    "X-HTTP-Method-Override": "DELETE",
}
HTTPS_SPOOFS = {
    "X-Forwarded-Proto": "https",
    "X_Forwarded_Proto": "https",
    "X-Forwarded-Ssl": "on",
    "X-Forwarded-Protocol": "ssl",
    "X-Forwarded-Port": "443",
    "X-Scheme": "https",
    "Forwarded": "proto=https",
    "Front-End-Https": "on",
}


@pytest.fixture(scope="session")
def echo_site(deployment):
    folder = deployment.platform.folder
    (folder / "request_facts.py").write_text(REQUEST_FACTS)
    (folder / "beliefs_settings.py").write_text(SETTINGS)
    with deployment.site(DJANGO_SETTINGS_MODULE="beliefs_settings") as site:
        yield site


def ask(site, scheme: str, path: str = "/request_facts/", **headers: str) -> Answer:
    """One request of a visitor who uses ``scheme``, through the platform's router."""

    async def get() -> Answer:
        client = Client(router.port, {"Host": site.platform.host} | headers)
        answer = await client.get(path)
        client.close()
        return answer

    with Router(site.platform, site.port, scheme) as router:
        return asyncio.run(get())


@pytest.mark.parametrize("name", SPOOFS)
def test_a_visitor_s_own_header_changes_nothing(echo_site, name):
    host = echo_site.platform.host
    facts = json.loads(ask(echo_site, "https", **{name: SPOOFS[name]}).body)
    assert facts == {
        "address": VISITOR_ADDRESS,
        "is_secure": True,
        "page": f"https://{host}/request_facts/",
        "script": "",
        "method": "GET",
    }


@pytest.mark.parametrize("name", HTTPS_SPOOFS)
def test_plain_http_is_redirected_whatever_the_visitor_says(echo_site, name):
    answer = ask(echo_site, "http", **{name: HTTPS_SPOOFS[name]})
    assert answer.status == 301
    assert answer.headers["location"] == f"https://{echo_site.platform.host}/request_facts/"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:443", "127.0.0.1"])
def test_a_foreign_host_is_refused(site, host):
    assert ask(site, "https", "/", Host=host).status == 400


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://{host}"])
def test_a_form_of_another_site_is_refused(visitor, site, origin):
    origin = origin.format(host=site.platform.host)
    visitor.headers["Origin"] = origin
    assert visitor.sign_up("forger").status_code == 403


@for_combinations(ASGI)
@pytest.mark.parametrize(
    "spoof",
    [
        {"host": "evil.example"},
        {"headers": {"X-Forwarded-Host": "evil.example"}},
        {"headers": {"Forwarded": "host=evil.example"}},
    ],
)
def test_a_socket_of_another_site_is_refused_whatever_else_it_says(site, spoof):
    evil = {"origin": "https://evil.example", **spoof}
    with Router(site.platform, site.port) as router, pytest.raises(InvalidStatus) as refused:
        open_socket(site, port=router.port, **evil)
    assert refused.value.response.status_code == 403


def test_an_idle_connection_is_kept_longer_than_the_router_keeps_it(idle_connection):
    assert idle_connection.answer() == 200
