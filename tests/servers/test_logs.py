"""A site logs one line of JSON per event, and no secret.

Other tests use the site as well, so lines are found by request id or user id.
"""

import secrets
import socket
from contextlib import suppress

import httpx
import pytest
from websockets import InvalidStatus

from rehearse.router import VISITOR_ADDRESS
from tests.harness.combinations import is_asgi
from tests.harness.router import Router
from tests.harness.site import CSRF_COOKIE, PASSWORD, SESSION_COOKIE, Site, Visitor
from tests.harness.sockets import PATH as SOCKET
from tests.harness.sockets import open_socket, receive_until, shows

FAIL = "/extra/fail-with-secrets/"
# By the visitor's scheme: paths, headers, and the status of the response.
REQUESTS: dict[str, list[tuple]] = {
    "https": [
        ("/", {}, 200),
        ("/accounts/logout/", {}, 302),
        ("/no/such/page", {}, 404),
        ("/", {"Host": "evil.example"}, 400),
    ],
    "http": [("/", {}, 301)],
}


@pytest.fixture
def site(extra_site):
    return extra_site


@pytest.fixture
def router(site):
    with Router(site.platform, site.port) as router:
        yield router


@pytest.fixture
def visitor(site, router):
    """Someone who comes through the platform's router."""
    with site.visitor(router_port=router.port) as visitor:
        yield visitor


def lines_of(site: Site, response: httpx.Response) -> list[dict]:
    """The events with the id of the response; the line of its request is the last."""
    request_id = response.headers["X-Request-ID"]
    return [event for event in site.events() if event.get("request_id") == request_id]


def test_request_is_one_line(site):
    for scheme in ("https", "http"):
        with (
            Router(site.platform, site.port, scheme) as router,
            site.visitor(scheme, router.port) as visitor,
        ):
            for path, headers, status in REQUESTS[scheme]:
                response = visitor.get(f"{path}?page=2", headers=headers)
                assert response.status_code == status
                *others, line = lines_of(site, response)
                # Django logs a rejected host in a line of its own, which is rate-limited.
                assert {event["logger"] for event in others} <= {"django.security.DisallowedHost"}
                expected = {"event": "request", "level": "info", "method": "GET", "path": path}
                expected |= {"status": status, "address": VISITOR_ADDRESS}
                assert {key: line[key] for key in expected} == expected
                assert line["duration_ms"] > 0


def send_secret_to_pages(visitor: Visitor, secret: str) -> None:
    """Send the secret to pages, in each part of a request that may hold one."""
    query = {"token": secret, "next": f"/{secret}"}
    headers = {
        "Authorization": f"Bearer {secret}",
        "Proxy-Authorization": f"Basic {secret}",
        "X-Api-Key": secret,
        "X-CSRFToken": secret,
        "X-Request-ID": f"<{secret}>",
        "Cookie": f"{SESSION_COOKIE}={secret}; {CSRF_COOKIE}={secret}; other={secret}",
        "Referer": f"https://evil.example/?token={secret}",
    }
    names = ("login", "username", "password", "password1", "password2", "csrfmiddlewaretoken")
    form = dict.fromkeys(names, secret)
    multipart = {"Content-Type": "multipart/form-data; boundary=b"}
    paths = ["/", "/accounts/login/", "/accounts/signup/", "/admin/login/", FAIL, "/no/such/page"]
    paths += [f"/extra/reset/MQ/{secret}/", f"/accounts/confirm-email/{secret}/"]
    paths += [f"/accounts/password/reset/key/1-{secret}/"]
    for path in paths:
        visitor.get(path, params=query, headers=headers)
        visitor.post(path, params=query, headers=headers, data=form)
        visitor.post(path, headers=headers, files={"upload": (secret, secret)})
        visitor.post(path, headers=headers | multipart, content=f"--b\r\n{secret}")
        visitor.post(path, json=form)


def send_malformed_requests(site: Site, secret: str) -> None:
    """Send malformed HTTP that contains the secret."""
    head = f"POST /?{secret} HTTP/1.1\r\nHost: {site.platform.host}\r\n"
    for request in (
        f"{secret}\r\n\r\n",
        f"GET /?{secret} HTTP/9.9\r\n\r\n",
        f"G{secret}@ / HTTP/1.1\r\n\r\n",
        f"{head}Bad Header: {secret}\r\n\r\n",
        f"{head}Cookie: {secret}\0\r\n\r\n",
        f"{head}Folded: a\r\n {secret}\r\n\r\n",
        f"{head}Content-Length: {secret}\r\n\r\n",
        f"{head}Expect: {secret}\r\n\r\n",
        f"{head}Transfer-Encoding: {secret}\r\n\r\n",
        f"{head}Transfer-Encoding: chunked\r\n\r\n{secret}\r\n",
        f"{head}Cookie: {secret * 10000}\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", site.port), timeout=5) as connection:
            connection.sendall(request.encode())
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass


def send_secret_to_sockets(site: Site, visitor: Visitor, secret: str) -> list[str]:
    """Send the secret in handshakes and messages; returns the valid tickets."""
    visitor.headers["X-CSRFToken"] = visitor.cookies[CSRF_COOKIE]
    tickets = [visitor.post("/ticket/").json()["ticket"] for _ in range(2)]
    with open_socket(site, visitor, path=f"{SOCKET}?ticket={secret}") as opened:
        opened.send(secret)
    for good in (
        {"headers": {"Authorization": f"Ticket {tickets[0]}"}},
        {"subprotocols": ["presence", f"ticket.{tickets[1]}"]},
    ):
        with open_socket(site, origin=None, **good) as opened:
            receive_until(opened, shows("discreet", True))
    for bad in (
        {"headers": {"Authorization": f"Ticket {secret}"}},
        {"subprotocols": ["presence", f"ticket.{secret}"]},
        {"headers": {"Cookie": f"{SESSION_COOKIE}={secret}"}},
    ):
        with pytest.raises(InvalidStatus):
            open_socket(site, origin=None, **bad)
    return tickets


def test_no_secret_is_logged(site, visitor, deployment, services, project):
    secret = secrets.token_hex(8)
    sent = [secret, PASSWORD, deployment.environment["SECRET_KEY"]]
    sent += [services.postgres.password, services.valkey.password]
    visitor.sign_up("discreet")
    visitor.get(FAIL)
    sent += [visitor.session, visitor.cookies[CSRF_COOKIE]]
    if is_asgi(project.answers):
        sent += send_secret_to_sockets(site, visitor, secret)
    send_secret_to_pages(visitor, secret)
    del visitor.headers["Origin"]  # so that Django's CSRF check reads the Referer
    send_secret_to_pages(visitor, secret)
    send_malformed_requests(site, secret)
    assert visitor.get("/").status_code == 200
    for line in site.process.output().splitlines():
        assert not any(each in line for each in sent), line
