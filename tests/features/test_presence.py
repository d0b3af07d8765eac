"""Who is online, on real servers: several processes, faults, strangers, and two people's browsers."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from socket import create_connection

import psycopg
import pytest
from websockets import ConnectionClosed, InvalidStatus

from rehearsal.combinations import SERVERS, for_combinations, is_asgi
from rehearsal.site import CSRF_COOKIE, PASSWORD, Site, session_cookie
from rehearsal.sockets import hear, is_change, open_socket, shows

pytestmark = for_combinations([*filter(is_asgi, SERVERS)])


@pytest.fixture(scope="session")
def people(deployment):
    """Ada, Bob and Cy have accounts."""
    script = f"""
from users.models import User
for name in ("ada_p", "bob_p", "cy_p"):
    User.objects.create_user(name, password={PASSWORD!r})
"""
    deployment.run_script(script)


@pytest.fixture(scope="session")
def other_site(deployment):
    """A second process of the same project, as a second dyno or instance would be."""
    with deployment.site() as site:
        yield site


@pytest.fixture
def database(services, project):
    with psycopg.connect(services.postgres.url(project.database), autocommit=True) as connection:
        yield connection


@pytest.fixture
def open_things():
    """Visitors and sockets, closed at the end."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def connect(people, open_things):
    """Log ``name`` in at a site; returns the visitor."""

    def log_in(site: Site, name: str):
        visitor = open_things.enter_context(site.visitor())
        assert visitor.log_in(name).headers["Location"] == "/presence/"
        return visitor

    return log_in


@pytest.fixture
def ada(site, connect, open_things):
    """Ada's open page, which has heard who is there."""
    socket = open_things.enter_context(open_when_possible(site, connect(site, "ada_p")))
    hear(socket, lambda message: message["type"] == "everyone")
    return socket


def test_two_processes_share_what_they_know(ada, other_site, connect, open_things):
    bob = connect(other_site, "bob_p")
    hear(ada, is_change("bob_p", "logged in"))
    socket = open_things.enter_context(open_socket(other_site, bob))
    assert hear(ada, is_change("bob_p", "came online"))["online"] is True
    assert hear(socket, shows("ada_p", True))
    page = bob.get("/presence/").text
    for name in ("ada_p", "bob_p"):
        assert re.search(f'class="online"><span class="name">{name}<', page)
    socket.close()
    assert hear(ada, is_change("bob_p", "went offline"))["online"] is False


def test_logging_out_closes_the_session_s_sockets_on_every_process(
    ada, site, other_site, connect, open_things
):
    bob = connect(other_site, "bob_p")
    here = open_things.enter_context(open_socket(site, bob))
    there = open_things.enter_context(open_socket(other_site, bob))
    bob.submit("/accounts/logout/", page="/")
    for socket in (here, there):
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                socket.recv(timeout=10)
        assert closed.value.rcvd.code == 4401


def test_a_loop_of_logins_and_logouts_does_not_flood_other_pages(ada, deployment, connect):
    with deployment.site(WEB_CONCURRENCY="1") as site:
        for _ in range(15):
            connect(site, "cy_p").submit("/accounts/logout/", page="/")
    messages = []
    with suppress(TimeoutError):
        while True:
            messages.append(json.loads(ada.recv(timeout=2)))
    changes = [message for message in messages if message.get("name") == "cy_p"]
    # Ten a minute, and twice as many if a minute ends in between.
    assert 0 < len(changes) <= 20


def refusal(site, *arguments, **options) -> int:
    with pytest.raises(InvalidStatus) as refused:
        open_socket(site, *arguments, **options)
    return refused.value.response.status_code


def test_strangers_are_refused(site, people):
    assert refusal(site) == 403


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://evil-0123456789ab.herokuapp.com",
        "http://{host}",
        "ftp://{host}",
        "x://{host}",
        "https://{host}/presence/",
        "https://{host}:8443",
        "null",
    ],
)
def test_pages_of_other_sites_are_refused(site, connect, origin):
    origin = origin.format(host=site.platform.host)
    assert refusal(site, connect(site, "bob_p"), origin=origin) == 403


def test_sockets_need_https(site, connect):
    bob, plain = connect(site, "bob_p"), {"X-Forwarded-Proto": "http"}
    for scheme in ("http", "https"):
        origin = f"{scheme}://{site.platform.host}"
        assert refusal(site, bob, origin=origin, headers=plain) == 403


def get_ticket(visitor) -> dict:
    """Get a ticket as the visitor; returns the arguments of a socket that shows it."""
    visitor.headers["X-CSRFToken"] = visitor.cookies[CSRF_COOKIE]
    ticket = visitor.post("/presence/ticket/").json()["ticket"]
    return {"origin": None, "headers": {"Authorization": f"Ticket {ticket}"}}


def test_tickets_open_sockets_and_expire(site, connect, database, open_things):
    bob = connect(site, "bob_p")
    by_header = get_ticket(bob)
    socket = open_things.enter_context(open_socket(site, **by_header))
    hear(socket, shows("bob_p", True))
    ticket = get_ticket(bob)["headers"]["Authorization"].removeprefix("Ticket ")
    options: dict = {"origin": None, "subprotocols": ["presence", f"ticket.{ticket}"]}
    socket = open_things.enter_context(open_socket(site, **options))
    assert socket.subprotocol == "presence"
    expired = get_ticket(bob)
    # The rows of tickets have longer keys than those of sessions.
    database.execute(
        "UPDATE django_session SET expire_date = expire_date - interval '31 seconds'"
        " WHERE length(session_key) = 40"
    )
    assert refusal(site, **expired) == 403
    assert refusal(site, origin=None, headers={"Authorization": "Ticket made.up"}) == 403


def test_a_ticket_opens_one_socket_even_if_shown_to_many_processes_at_once(
    site, other_site, connect, open_things, services, project
):
    def show(site: Site) -> int:
        try:
            open_things.enter_context(open_socket(site, **ticket))
        except InvalidStatus as refused:
            return refused.response.status_code
        return 101

    ticket, sites = get_ticket(connect(site, "bob_p")), [site, other_site]
    with ThreadPoolExecutor(len(sites)) as threads:
        # Both have found the ticket, and wait to delete it.
        with services.postgres.locked(project.database, "django_session", "SHARE"):
            shown = [threads.submit(show, each) for each in sites]
            while services.postgres.held_up(project.database) < len(sites):
                time.sleep(0.05)
        assert sorted(each.result() for each in shown) == [101, 403]
    assert refusal(site, **ticket) == 403


def test_a_ticket_is_refused_once_its_session_has_ended(site, connect, database):
    bob, cy = connect(site, "bob_p"), connect(site, "cy_p")
    logged_out, expired, deleted = get_ticket(bob), get_ticket(cy), get_ticket(cy)
    bob.submit("/accounts/logout/", page="/")
    assert refusal(site, **logged_out) == 403
    end_session(database, EXPIRE, cy)
    assert refusal(site, **expired) == 403
    end_session(database, DELETE, cy)
    assert refusal(site, **deleted) == 403


EXPIRE = "UPDATE django_session SET expire_date = now() WHERE session_key = %s"
DELETE = "DELETE FROM django_session WHERE session_key = %s"


def end_session(database, statement: str, visitor) -> None:
    assert database.execute(statement, [visitor.session]).rowcount == 1


def close_code(socket) -> int:
    """Answer pings until the site closes the socket."""
    with pytest.raises(ConnectionClosed) as closed:
        hear(socket, lambda message: False, seconds=30)
    return closed.value.rcvd.code


def test_sockets_close_at_the_next_beat_when_their_session_has_ended(
    ada, site, other_site, connect, database, open_things
):
    bob, cy = connect(site, "bob_p"), connect(site, "cy_p")
    sockets = [
        open_things.enter_context(socket)
        for visitor in (bob, cy)
        for socket in (open_socket(other_site, visitor), open_socket(site, **get_ticket(visitor)))
    ]
    end_session(database, DELETE, bob)
    end_session(database, EXPIRE, cy)
    ended = time.monotonic()
    assert [close_code(socket) for socket in sockets] == [4401] * 4
    assert time.monotonic() - ended < 20  # a beat is 15 seconds, or up to 16.5
    hear(ada, shows("bob_p", False))
    hear(ada, lambda message: message["type"] == "ping")


HANDSHAKE = """\
GET /ws/presence/ HTTP/1.1
Host: {host}
X-Forwarded-Proto: https
Connection: Upgrade
Upgrade: websocket
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==
Cookie: {cookie}

"""


def test_a_client_that_ignores_the_close_frame_is_disconnected(site, connect, database):
    bob = connect(site, "bob_p")
    cookie = session_cookie(bob.session)["Cookie"]
    handshake = HANDSHAKE.format(host=site.platform.host, cookie=cookie).replace("\n", "\r\n")
    with create_connection(("127.0.0.1", site.port), timeout=30) as client:
        client.sendall(handshake.encode())
        assert client.recv(12) == b"HTTP/1.1 101"
        end_session(database, DELETE, bob)
        ended = time.monotonic()
        with suppress(ConnectionResetError):
            while client.recv(65536):
                pass
    assert time.monotonic() - ended < 26  # a beat, and up to 5 seconds for the close frame


def test_a_session_that_ends_during_the_handshake_opens_no_socket(
    site, services, project, database, connect
):
    bob = connect(site, "bob_p")
    with ThreadPoolExecutor(1) as background:
        # The handshake has found the session, and waits for its user.
        with services.postgres.locked(project.database, "users_user"):
            opening = background.submit(open_socket, site, bob)
            while not services.postgres.held_up(project.database):
                time.sleep(0.05)
            end_session(database, DELETE, bob)
        with pytest.raises(InvalidStatus) as refused:
            opening.result().close()
    assert refused.value.response.status_code == 403


def test_a_socket_waits_for_a_slow_database_as_a_page_does(
    site, services, project, connect, open_things
):
    bob = connect(site, "bob_p")
    lock = services.postgres.locked(project.database, "presence_connection")
    with ThreadPoolExecutor(1) as background, lock:
        opening = background.submit(open_socket, site, bob)
        time.sleep(7)  # by itself Daphne drops a handshake after 5
        assert services.postgres.held_up(project.database)
    socket = open_things.enter_context(opening.result())
    assert hear(socket, shows("bob_p", True))


def test_a_large_message_closes_the_socket(ada):
    ada.send("x" * 1000)
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            ada.recv(timeout=10)
    assert closed.value.rcvd.code == 4413


def test_pages_answer_while_valkey_is_away_and_sockets_heal_when_it_is_back(
    ada, site, services, connect, open_things
):
    services.valkey.stop()
    try:
        cy = connect(site, "cy_p")
        assert cy.get("/").status_code == 200
        assert cy.get("/presence/").status_code == 200
        assert site.visitor().get("/readyz").status_code == 503
        assert site.visitor().get("/healthz").status_code == 200
    finally:
        services.valkey.start()
    socket = open_things.enter_context(open_when_possible(site, cy))
    hear(socket, shows("cy_p", True))
    hear(ada, shows("cy_p", True), seconds=20)
    assert site.visitor().get_with_retries("/readyz").status_code == 200


def open_when_possible(site, visitor, seconds: float = 20):
    """Open a socket as a page does, which tries again."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return open_socket(site, visitor)
        except InvalidStatus:
            assert time.monotonic() < deadline
            time.sleep(0.5)


def test_a_killed_process_s_people_are_offline_in_a_minute_and_idle_sockets_stay_alive(
    ada, deployment, connect, open_things, report
):
    with deployment.site() as doomed:
        open_things.enter_context(open_socket(doomed, connect(doomed, "bob_p")))
        hear(ada, is_change("bob_p", "came online"))
        doomed.process.kill()
        killed, last, gap = time.monotonic(), time.monotonic(), 0.0
        while True:
            message = json.loads(ada.recv(timeout=25))
            gap, last = max(gap, time.monotonic() - last), time.monotonic()
            if message["type"] == "ping":
                ada.send('{"type": "pong"}')
            if shows("bob_p", False)(message):
                break
        healed = time.monotonic() - killed
    report("offline after kill s", round(healed))
    assert healed < 60
    assert gap < 25
