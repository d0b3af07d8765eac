"""Accounts under attack (guesses, many at once, clients that disconnect)."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from rehearse.raw import Raw, request
from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.site import CSRF_COOKIE, NUMBERS, PASSWORD, Visitor, new_name

each_server = for_combinations(SERVERS, apart="accounts")
# The limits are counted in the database, whatever the server.
one_server = for_combinations(SERVERS[:1], apart="accounts")
LOG_IN = "/accounts/login/"
TOO_MANY_REQUESTS = 429
ABORTED = 300
# The most threads that any server has, in all of its processes.
MOST_THREADS = 8


@pytest.fixture(autouse=True)
def failures(deployment, services, project):
    """A function that counts the failed logins to an account in this test.

    They are deleted afterwards: the visitors of all tests may share one address.
    """
    with psycopg.connect(services.postgres.url(project.database), autocommit=True) as connection:

        def count(name: str) -> int:
            query = "SELECT sum(failures_since_start) FROM axes_accessattempt WHERE username = %s"
            return connection.execute(query, [name]).fetchone()[0]

        yield count
        connection.execute("DELETE FROM axes_accessattempt")


def guess(visitor: Visitor, name: str) -> httpx.Response:
    return visitor.submit(LOG_IN, login=name, password="wrong")


def at_once(site, requests: int, clients: int, send, addresses: int = 1) -> list[int]:
    """The statuses of the requests, sent by ``clients`` threads from ``addresses`` new addresses.

    ``send(visitor, number)`` returns the response.
    """
    network = f"198.19.{next(NUMBERS) % 250}"

    def send_one(number: int) -> int:
        with site.visitor() as visitor, visitor.coming_from(f"{network}.{number % addresses}"):
            return send(visitor, number).status_code

    with ThreadPoolExecutor(clients) as threads:
        return list(threads.map(send_one, range(requests)))


@each_server
def test_concurrent_guesses_are_limited_per_ip_address_and_take_little_memory(site, report):
    """Argon2 takes tens of megabytes for a hash: two are computed at a time, at most."""
    statuses = at_once(
        site, 120, 20, lambda visitor, number: guess(visitor, f"person{number % 40}")
    )
    megabytes = site.process.memory()
    report("memory after 120 logins MB", round(megabytes))
    assert set(statuses) == {200, TOO_MANY_REQUESTS}
    # Fifty are allowed per address, and up to 20 more had passed the check before the fiftieth.
    assert statuses.count(200) < 50 + 20
    assert megabytes < 512


def login_request(site, visitor: Visitor) -> bytes:
    """A login with a wrong password, as the visitor's browser sends it."""
    visitor.get(LOG_IN)
    token = visitor.cookies[CSRF_COOKIE]
    answers = {"login": "nobody", "password": "wrong", "csrfmiddlewaretoken": token}
    sent = visitor.build_request("POST", LOG_IN, data=answers)
    names = ("Cookie", "Content-Type", "Origin", "X-Forwarded-For")
    headers = {name: sent.headers[name] for name in names}
    return request(site, LOG_IN, "POST", sent.content, **headers)


def hang_up_often(site, request: bytes) -> None:
    """Send the request 300 times, and wait for no answer."""

    def hang_up(_) -> None:
        with Raw(site) as client:
            client.socket.sendall(request)
            time.sleep(0.02)

    with ThreadPoolExecutor(50) as threads:
        list(threads.map(hang_up, range(ABORTED)))


def logins(site) -> int:
    """How many login forms the site has taken."""
    return sum(event.get("method") == "POST" and event["path"] == LOG_IN for event in site.events())


@each_server
def test_clients_that_disconnect_during_login_delay_no_one(
    site, visitor, services, project, failures, report
):
    aborted, before = login_request(site, visitor), logins(site)
    # The lock keeps the first logins in the database until all other clients have disconnected.
    with services.postgres.locked(project.database, "users_user"):
        hang_up_often(site, aborted)
    began = time.monotonic()
    with site.visitor() as other:
        assert other.get("/").status_code == 200
    report("page after 300 logins s", round(time.monotonic() - began, 1))
    taken = logins(site) - before
    report("logins taken of 300 that hung up", taken)
    # Most disconnected while they were queued. WSGI servers need not notice, and run their requests.
    if is_asgi(project.answers):
        assert taken < ABORTED / 3
    guesses = [guess(visitor, "nobody") for _ in range(5)]
    assert guesses[-1].status_code == TOO_MANY_REQUESTS
    # After five failures a login is rejected without a hash, unless it was already running.
    assert failures("nobody") <= 5 + MOST_THREADS


@one_server
def test_concurrent_sign_ups_are_limited_per_ip_address(site, report):
    def sign_up(visitor: Visitor, number: int) -> httpx.Response:
        name = new_name("crowd")
        answers: dict = {"username": name, "email": f"{name}@example.com"}
        answers |= {"password1": PASSWORD, "password2": PASSWORD}
        return visitor.submit("/accounts/signup/", **answers)

    statuses = at_once(site, 60, 40, sign_up, addresses=2)
    assert set(statuses) == {302, TOO_MANY_REQUESTS}
    # Those that wait for the limit's row for more than a second are rejected as well.
    assert 1 <= statuses.count(302) <= 2 * 20
    report("sign-ups of 60 from two addresses", statuses.count(302))


@one_server
def test_concurrent_guesses_at_one_account_are_limited(site, visitor):
    visitor.sign_up(new_name("hunted"))
    # One account, by its names in turn.
    names = [visitor.name, visitor.name.upper(), f"{visitor.name}@example.com"]
    statuses = at_once(
        site, 200, 40, lambda visitor, number: guess(visitor, names[number % 3]), addresses=20
    )
    assert set(statuses) == {200, TOO_MANY_REQUESTS}
    # Five for each address, and those already running at the fifth.
    assert statuses.count(200) <= 20 * 5 + 20
