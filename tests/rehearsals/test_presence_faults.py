"""Who is online when clients misbehave, Valkey is unavailable and processes die."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise

import psycopg
from websockets import InvalidStatus

from rehearse.raw import Raw
from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.site import session_cookie
from tests.harness.sockets import PATH, is_change, receive_until, shows
from tests.harness.waiting import SECONDS, wait_until

# Apart, as the tests wait for heartbeats.
pytestmark = for_combinations([*filter(is_asgi, SERVERS)], apart="presence")
# Seconds until someone is offline, as README says; and the idle timeout of Heroku's router.
OFFLINE, ROUTER = 60, 55
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}
DELETE = "DELETE FROM django_session WHERE session_key = %s"


def test_a_client_that_ignores_the_close_frame_is_disconnected(site, people, database):
    """Once its session has ended."""
    bob = people.log_in(site, "bob")
    with Raw(site, seconds=SECONDS) as client:
        client.send(PATH, **HANDSHAKE, **session_cookie(bob.session))
        assert client.read_head()[0] == 101
        with psycopg.connect(database) as connection:
            assert connection.execute(DELETE, [bob.session]).rowcount == 1
        with suppress(ConnectionResetError):
            client.file.read()


def test_a_socket_waits_for_a_slow_database_as_a_page_does(site, people, hold_up, held_up):
    bob = people.log_in(site, "bob")
    with ThreadPoolExecutor(1) as background:
        with hold_up("users_user"):
            opening = background.submit(people.open, site, bob)
            wait_until(held_up, "the handshake")
            time.sleep(7)  # Daphne's default timeout is 5
        receive_until(opening.result(), shows(bob.name, True))


def test_pages_answer_while_valkey_is_away_and_sockets_recover_when_it_is_back(
    page, site, services, people
):
    def status(path: str) -> int:
        return cy.get(path).status_code

    def open_again():
        with suppress(InvalidStatus):
            return people.open(site, cy)

    services.valkey.stop()
    try:
        cy = people.log_in(site, "cy")
        assert [status(path) for path in ("/", "/presence/", "/healthz")] == [200] * 3
        wait_until(lambda: status("/readyz") == 503, "a site that is not ready")
    finally:
        services.valkey.start()
    receive_until(wait_until(open_again, "a new socket"), shows(cy.name, True))
    receive_until(page, shows(cy.name, True))
    wait_until(lambda: status("/readyz") == 200, "a site that is ready")


def test_users_of_a_killed_process_go_offline_and_idle_sockets_live(
    page, deployment, people, report
):
    with deployment.site() as doomed:
        bob = people.log_in(doomed, "bob")
        people.open(doomed, bob)
        receive_until(page, is_change(bob.name, "came online"))
        doomed.process.kill()
    moments, is_offline = [time.monotonic()], shows(bob.name, False)
    while not is_offline(message := json.loads(page.recv(timeout=SECONDS))):
        moments.append(time.monotonic())
        assert moments[-1] - moments[0] < 3 * OFFLINE
        if message["type"] == "ping":
            page.send('{"type": "pong"}')
    report("offline after kill s", round(time.monotonic() - moments[0]))
    assert max(later - one for one, later in pairwise(moments)) < ROUTER
