"""A visitor's own headers never win over what the platform's router knows."""

import asyncio
import json

import pytest
from websockets import InvalidStatus

from rehearse.load import Answer, Client
from rehearse.router import VISITOR_ADDRESS
from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.router import Router
from tests.harness.sockets import open_socket

PATH = "/extra/request-facts/"
# By their value: headers that some proxy, server or framework trusts.
SPOOFS = {
    "198.51.100.66": "X_Forwarded_For X-Real-IP X-Client-IP DO-Connecting-IP DO_Connecting_IP "
    "CF-Connecting-IP True-Client-IP REMOTE_ADDR",
    "198.51.100.66, 198.51.100.67": "X-Forwarded-For",
    "http": "X-Forwarded-Proto X_Forwarded_Proto X-Scheme",
    "off": "X-Forwarded-Ssl",
    "8888": "X-Forwarded-Port",
    "evil.example": "X-Forwarded-Host",
    "for=198.51.100.66;host=evil.example;proto=http": "Forwarded",
    "/evil": "X-Forwarded-Prefix Daphne-Root-Path SCRIPT_NAME Script-Name PATH_INFO",
    "DELETE": "X-HTTP-Method-Override",
}
HTTPS_SPOOFS = {
    "https": "X-Forwarded-Proto X_Forwarded_Proto X-Scheme",
    "on": "X-Forwarded-Ssl Front-End-Https",
    "ssl": "X-Forwarded-Protocol",
    "443": "X-Forwarded-Port",
    "proto=https": "Forwarded",
}
SOCKET_SPOOFS = (
    {"host": "evil.example"},
    {"headers": {"X-Forwarded-Host": "evil.example"}},
    {"headers": {"Forwarded": "host=evil.example"}},
)


def ask(site, scheme: str, spoofs: dict[str, str]) -> dict[str, Answer]:
    """Send a request with each spoofed header through the router; return the answers by header."""

    async def get_all() -> dict[str, Answer]:
        found = {}
        for value, names in spoofs.items():
            for name in names.split():
                client = Client(router.port, {"Host": site.platform.host, name: value})
                found[name] = await client.get(PATH)
                client.close()
        return found

    with Router(site.platform, site.port, scheme) as router:
        return asyncio.run(get_all())


def test_spoofed_headers_change_nothing(extra_site):
    answers = ask(extra_site, "https", SPOOFS)
    facts = {
        "address": VISITOR_ADDRESS,
        "is_secure": True,
        "page": f"https://{extra_site.platform.host}{PATH}",
        "script": "",
        "method": "GET",
    }
    found = {name: json.loads(answer.body) for name, answer in answers.items()}
    assert found == dict.fromkeys(answers, facts)


def test_plain_http_is_redirected_in_spite_of_spoofed_headers(extra_site):
    answers = ask(extra_site, "http", HTTPS_SPOOFS)
    redirect = (301, f"https://{extra_site.platform.host}{PATH}")
    found = {name: (one.status, one.headers["location"]) for name, one in answers.items()}
    assert found == dict.fromkeys(answers, redirect)


@for_combinations([*filter(is_asgi, SERVERS)])
def test_cross_origin_handshake_is_rejected(site):
    with Router(site.platform, site.port) as router:
        for spoof in SOCKET_SPOOFS:
            evil = {"port": router.port, "origin": "https://evil.example", **spoof}
            with pytest.raises(InvalidStatus) as rejected:
                open_socket(site, **evil)
            assert rejected.value.response.status_code == 403
