"""What a site logs: a line of JSON per event, with all that one wants to know, and no secret."""

import itertools
import re
import secrets
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from websockets import ConnectionClosed, InvalidHandshake, InvalidStatus

from rehearsal.combinations import ASGI, SERVERS, for_combinations, is_asgi
from rehearsal.faults import add_faults
from rehearsal.router import VISITOR_ADDRESS, Router
from rehearsal.site import CSRF_COOKIE, PASSWORD, SESSION_COOKIE, Site, Visitor
from rehearsal.sockets import PATH as SOCKET
from rehearsal.sockets import hear, open_socket, shows

PAGES = ["/", "/accounts/login/", "/accounts/signup/", "/admin/login/", "/fail/", "/no/such/page"]


class Log:
    """What a site logs from now on."""

    def __init__(self, site: Site):
        self.process, self.before = site.process, len(site.process.events())

    def events(self) -> list[dict]:
        return self.process.events()[self.before :]

    def lines_of(self, response: httpx.Response) -> list[dict]:
        """The events with the id of the response; the line of its request is the last."""
        request_id = response.headers["X-Request-ID"]
        return [event for event in self.events() if event.get("request_id") == request_id]

    def of(self, logger: str, count: int, seconds: float = 20) -> list[dict]:
        """The logger's events, once there are so many."""
        deadline = time.monotonic() + seconds
        while True:
            found = [event for event in self.events() if event["logger"] == logger]
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, self.events()
            time.sleep(0.05)


@pytest.fixture(scope="session")
def failing_site(deployment):
    with deployment.site(**add_faults(deployment.platform.folder)) as site:
        yield site


@pytest.fixture
def log(failing_site):
    return Log(failing_site)


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def router_of(stack):
    """Returns the port of the platform's router before a site."""

    def start(site: Site, scheme: str = "https") -> int:
        return stack.enter_context(Router(site.platform, site.port, scheme)).port

    return start


@pytest.fixture
def connect(stack, router_of):
    """Returns a visitor who comes to a site through its platform's router."""

    def come(site: Site, scheme: str = "https") -> Visitor:
        door: Any = SimpleNamespace(platform=site.platform, port=router_of(site, scheme))
        visitor = stack.enter_context(Visitor(door, scheme))
        del visitor.headers["X-Request-ID"]
        return visitor

    return come


@pytest.fixture
def visitor(failing_site, connect):
    return connect(failing_site)


@for_combinations(SERVERS)
def test_ordinary_visits_log_no_warning(deployment):
    with deployment.site() as site:
        with site.visitor() as visitor:
            for path in ("/", "/accounts/signup/", "/accounts/login/", "/readyz"):
                assert visitor.get(path).status_code == 200
            style = re.search(r'href="(/static/[^"]+\.css)"', visitor.get("/").text)[1]
            assert visitor.get(style).status_code == 200
        site.process.stop()
        assert {event["level"] for event in site.process.events()} == {"info"}


@for_combinations(SERVERS)
def test_every_line_from_start_to_end_is_an_event(deployment, connect):
    with deployment.site() as site:
        visitor = connect(site)
        visitor.get("/")
        visitor.get("/no/such/page")
        visitor.close()
        site.process.stop()
        events = site.process.events()
    assert len(events) >= 3
    for event in events:
        assert {"event", "level", "logger", "timestamp"} <= set(event)
        assert event["level"] == "info"


@pytest.mark.parametrize(
    ("scheme", "path", "host", "status"),
    [
        ("https", "/", None, 200),
        ("https", "/favicon.ico", None, 302),
        ("https", "/accounts/logout/", None, 302),
        ("https", "/no/such/page", None, 404),
        ("https", "/", "evil.example", 400),
        ("http", "/", None, 301),
    ],
)
def test_a_request_is_one_line(failing_site, log, connect, scheme, path, host, status):
    visitor = connect(failing_site, scheme)
    response = visitor.get(f"{path}?page=2", headers={"Host": host} if host else {})
    assert response.status_code == status
    *others, line = log.lines_of(response)
    # Why a host is refused, in a line of its own, but not each time.
    assert {event["logger"] for event in others} <= {"django.security.DisallowedHost"}
    logged = {key: line[key] for key in ("event", "level", "method", "path", "status", "address")}
    assert logged == {
        "event": "request",
        "level": "info",
        "method": "GET",
        "path": path,
        "status": status,
        "address": VISITOR_ADDRESS,
    }
    assert 0 < line["duration_ms"] < 30_000


def test_the_line_says_how_long_the_request_waited_if_the_router_knows(visitor, log, project):
    (line,) = log.lines_of(visitor.get("/", headers={"X-Request-Start": "1000000000000"}))
    if project.answers["platform"] == "heroku":
        assert 0 <= line["queue_ms"] < 30_000
    else:
        assert line["queue_ms"] is None


def test_the_line_names_the_user(visitor, log):
    answers = [
        visitor.get("/"),
        visitor.sign_up("logan"),
        visitor.get("/"),
        visitor.get("/favicon.ico"),
    ]
    before, signing_up, after, without_database = [
        log.lines_of(one)[-1]["user_id"] for one in answers
    ]
    assert isinstance(signing_up, int)
    assert (before, after, without_database) == (None, signing_up, None)


@pytest.mark.parametrize("claim", [b"short", b"x" * 129, b"twenty characters, {}", b"\xe9" * 30])
def test_an_invalid_request_id_is_replaced(visitor, log, claim):
    response = visitor.get("/", headers={"X-Request-ID": claim})
    assert re.fullmatch("[0-9a-f-]{36}", response.headers["X-Request-ID"])
    assert len(log.lines_of(response)) == 1


def test_an_id_of_the_router_s_is_kept(failing_site, log):
    known = secrets.token_hex(16)
    with failing_site.visitor() as visitor:
        response = visitor.get("/", headers={"X-Request-ID": known})
    assert response.headers["X-Request-ID"] == known
    assert len(log.lines_of(response)) == 1


def test_health_checks_are_quiet(failing_site, log):
    with failing_site.visitor("http") as visitor:
        for path in ("/healthz", "/readyz"):
            assert visitor.get(path).status_code == 200
        visitor.get("/")
    assert [event["path"] for event in log.events() if "path" in event] == ["/"]


def test_an_unhandled_error_is_one_line_with_the_id_that_its_page_shows(visitor, log):
    response = visitor.get("/fail/")
    assert response.status_code == 500
    assert response.headers["X-Request-ID"] in response.text
    error, request = log.lines_of(response)
    assert (error["level"], error["event"]) == ("error", "Internal Server Error: /fail/")
    assert error["exception"].endswith("RuntimeError: It does not work for user number None.")
    assert (request["event"], request["level"], request["status"]) == ("request", "warning", 500)
    assert sum("exception" in event for event in log.events()) == 1


@for_combinations(ASGI)
def test_a_socket_is_a_line_when_it_opens_and_one_when_it_closes(
    failing_site, log, visitor, router_of
):
    user = log.lines_of(visitor.sign_up("sock"))[-1]["user_id"]
    way = {"port": router_of(failing_site), "path": f"{SOCKET}?page=2"}
    with open_socket(failing_site, visitor, **way) as opened:
        hear(opened, shows("sock", True))
    with open_socket(failing_site, visitor, **way) as dropped:
        dropped.send("x" * 1000)
        with pytest.raises(ConnectionClosed):
            hear(dropped, lambda message: False)
    with pytest.raises(InvalidStatus):
        open_socket(failing_site, origin="https://evil.example", **way)
    lines = log.of("paas.asgi.websockets", 5)
    assert all((line["path"], line["address"]) == (SOCKET, VISITOR_ADDRESS) for line in lines)
    logged = [(line["event"], line.get("user_id"), line.get("code")) for line in lines]
    assert sorted(logged, key=str) == [
        ("socket closed", user, 1000),
        ("socket closed", user, 4413),
        ("socket opened", user, None),
        ("socket opened", user, None),
        ("socket refused", None, 1000),
    ]
    ids = [line["request_id"] for line in lines]
    assert sorted(map(ids.count, set(ids))) == [1, 2, 2]


def send_secret_to_pages(visitor: Visitor, secret: str) -> None:
    """Give the secret away on every page, in every place where a request has one."""
    query = {"token": secret, "next": f"/{secret}"}
    said = {
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
    links = [f"/reset/MQ/{secret}/", f"/accounts/confirm-email/{secret}/"]
    links += [f"/accounts/password/reset/key/1-{secret}/"]
    for path in [*PAGES, *links]:
        visitor.get(path, params=query, headers=said)
        visitor.post(path, params=query, headers=said, data=form)
        visitor.post(path, headers=said, files={"upload": (secret, secret)})
        visitor.post(path, headers=said | multipart, content=f"--b\r\n{secret}")
        visitor.post(path, json=form)


def tell_in_nonsense(site: Site, secret: str) -> None:
    """Send the server what is no HTTP, with the secret in it."""
    head = f"POST /?{secret} HTTP/1.1\r\nHost: {site.platform.host}\r\n"
    for nonsense in (
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
            connection.sendall(nonsense.encode())
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass


def send_secret_to_sockets(site: Site, visitor: Visitor, secret: str) -> list[str]:
    """Give the secret away in handshakes and messages; returns the tickets that were good."""
    visitor.headers["X-CSRFToken"] = visitor.cookies[CSRF_COOKIE]
    tickets = [visitor.post("/presence/ticket/").json()["ticket"] for _ in range(2)]
    with open_socket(site, visitor, path=f"{SOCKET}?ticket={secret}") as opened:
        opened.send(secret)
    for good in (
        {"headers": {"Authorization": f"Ticket {tickets[0]}"}},
        {"subprotocols": ["presence", f"ticket.{tickets[1]}"]},
    ):
        with open_socket(site, origin=None, **good) as opened:
            hear(opened, shows("discreet", True))
    for bad in (
        {"headers": {"Authorization": f"Ticket {secret}"}},
        {"subprotocols": ["presence", f"ticket.{secret}"]},
        {"headers": {"Cookie": f"{SESSION_COOKIE}={secret}"}},
    ):
        with pytest.raises(InvalidStatus):
            open_socket(site, origin=None, **bad)
    return tickets


@for_combinations(SERVERS)
def test_no_secret_is_logged(failing_site, visitor, deployment, services, project):
    secret = secrets.token_hex(8)
    sent = [secret, PASSWORD, deployment.environment["SECRET_KEY"]]
    sent += [services.postgres.password, services.valkey.password]
    visitor.sign_up("discreet")
    visitor.get("/fail/")
    sent += [visitor.session, visitor.cookies[CSRF_COOKIE]]
    if is_asgi(project.answers):
        sent += send_secret_to_sockets(failing_site, visitor, secret)
    send_secret_to_pages(visitor, secret)
    del visitor.headers["Origin"]  # and Django looks at the Referer instead
    send_secret_to_pages(visitor, secret)
    tell_in_nonsense(failing_site, secret)
    assert visitor.get("/").status_code == 200
    assert_not_logged(failing_site, sent)


def assert_not_logged(site: Site, sent: list[str]) -> None:
    for line in site.process.output().splitlines():
        assert not any(secret in line for secret in sent), line


@for_combinations(SERVERS)
def test_no_password_is_logged_while_the_database_and_redis_refuse_it(deployment, connect, project):
    secret = secrets.token_hex(8)
    changes = {
        name: re.sub(":[^:@]+@", f":{secret}@", deployment.environment[name])
        for name in {"DATABASE_URL", "REDIS_URL"} & set(deployment.environment)
    }
    with deployment.site(**changes) as site:
        visitor, log = connect(site), Log(site)
        visitor.cookies[SESSION_COOKIE] = "that0the0database0has0to0look0up"
        with ThreadPoolExecutor() as threads:  # a pool makes each wait ten seconds
            page = threads.submit(visitor.get, "/")
            if is_asgi(project.answers):
                for who in (visitor, None):
                    with pytest.raises(InvalidHandshake):
                        open_socket(site, who, open_timeout=30)
        assert visitor.get("/readyz").status_code == 503
        assert page.result().status_code == 500
        assert {"exception", "event"} <= set(log.lines_of(page.result())[0])
        (unready,) = log.of("paas.health", 1)
        assert unready["database"] in ("unreachable", "no answer in time")
        if is_asgi(project.answers):
            lines = log.of("paas.asgi.websockets", 4)
            logged = [(line["event"], line["level"]) for line in lines]
            assert ("Redis is unavailable", "warning") in logged
            assert ("Internal Server Error", "error") in logged
        # Longer lines would be broken by Heroku.
        assert max(map(len, site.process.output().splitlines())) < 10_000
        assert_not_logged(site, [secret])


@for_combinations([*filter(is_asgi, SERVERS)])
def test_what_is_said_again_and_again_is_logged_now_and_then(deployment, connect, services):
    with deployment.site() as site:
        visitor, log = connect(site), Log(site)
        visitor.sign_up("waiter")
        with open_socket(site, visitor):
            services.valkey.stop()
            try:
                log.of("channels_redis.pubsub", 1)
                time.sleep(3)
            finally:
                services.valkey.start()
        lines = log.of("channels_redis.pubsub", 1)
    moments = [datetime.fromisoformat(line["timestamp"]).timestamp() for line in lines]
    assert all(later - sooner > 9 for sooner, later in itertools.pairwise(moments))
    for line in lines:
        assert line["level"] == "warning"
        assert not {"exception", "request_id"} & set(line)
