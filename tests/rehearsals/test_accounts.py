"""Accounts on real servers: throttled login, sign-ups at once, sessions that end, variables."""

import asyncio
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from urllib.parse import urlencode

import psycopg
import pytest

from rehearsal.combinations import SERVERS, for_combinations
from rehearsal.site import CSRF_COOKIE, PASSWORD, SESSION_COOKIE, session_cookie

pytestmark = for_combinations(SERVERS)

LOG_IN = "/accounts/login/"
SIGN_UP = "/accounts/signup/"
REFUSED = 429
HASHING_THREADS = 12
ABORTED = 300
# Of all servers, in all of their processes.
MOST_THREADS = 8


@pytest.fixture(autouse=True)
def failures(deployment, services, project):
    """Returns how often logins to an account have failed in this test.

    They are forgotten afterwards: the visitors of all tests may share one address.
    """
    with psycopg.connect(services.postgres.url(project.database), autocommit=True) as connection:

        def count(name: str) -> int:
            query = "SELECT sum(failures_since_start) FROM axes_accessattempt WHERE username = %s"
            return connection.execute(query, [name]).fetchone()[0]

        yield count
        connection.execute("DELETE FROM axes_accessattempt")


def test_a_password_can_be_guessed_at_five_times(site, visitor):
    name = "guessed"
    visitor.sign_up(name)
    with site.visitor() as guesser:
        assert guesser.get("/admin/login/").headers["Location"].startswith(LOG_IN)
        guesses = [guesser.submit(LOG_IN, login=name, password="wrong") for _ in range(5)]
        assert [guess.status_code for guess in guesses] == [200] * 4 + [REFUSED]
        refusal = guesser.submit(LOG_IN, login=name, password=PASSWORD)
    assert refusal.status_code == REFUSED
    assert refusal.headers["Retry-After"] == "900"
    assert "Try again in 15 minutes" in refusal.text
    assert name in visitor.get("/").text


def guess_at_once(site, clients: int) -> list[int]:
    """The statuses of 120 wrong passwords for 40 people, from so many clients."""

    def guess(number: int) -> int:
        with site.visitor() as visitor:
            answers = {"login": f"person{number % 40}", "password": "wrong"}
            return visitor.submit(LOG_IN, **answers).status_code

    with ThreadPoolExecutor(clients) as threads:
        return list(threads.map(guess, range(120)))


def test_guesses_at_once_are_counted_too_and_take_little_memory(site, report):
    statuses = guess_at_once(site, clients=20)
    megabytes = site.process.memory()
    report("memory after 120 logins MB", round(megabytes))
    assert set(statuses) == {200, REFUSED}
    # Fifty an address may, and those that were under way with the last of them had been let in.
    assert statuses.count(200) < 50 + 20
    assert megabytes < 512


def test_many_threads_that_hash_passwords_take_the_memory_of_two_hashes(deployment, report):
    """A hash takes Argon2's memory cost, which malloc keeps for the thread's next one."""
    printed = deployment.run_script("from users.hashers import Argon2; print(Argon2.memory_cost)")
    megabytes = int(printed.split()[-1]) * 1024 / 1e6
    with deployment.site(WEB_CONCURRENCY="1", WEB_THREADS=str(HASHING_THREADS)) as site:
        with ThreadPoolExecutor(HASHING_THREADS) as threads, site.visitor() as visitor:
            list(threads.map(visitor.get, [LOG_IN] * 120))
        before = site.process.memory()
        guess_at_once(site, HASHING_THREADS)
        hashes = (site.process.memory() - before) / megabytes
    report(f"memory for {HASHING_THREADS} logins at once, hashes", round(hashes, 1))
    # Two, and some for the logins themselves. Without the bound they are as many as threads.
    assert 1 < hashes < HASHING_THREADS / 2


async def log_in_and_hang_up(site, headers: str, answers: str) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    head = f"POST {LOG_IN} HTTP/1.1\r\n{headers}Content-Length: {len(answers)}\r\n\r\n"
    writer.write(f"{head}{answers}".encode())
    await writer.drain()
    await asyncio.sleep(0.02)
    writer.transport.abort()


async def log_in_and_hang_up_often(site, headers: str, answers: str, times: int) -> None:
    for _ in range(times // 50):
        await asyncio.gather(*(log_in_and_hang_up(site, headers, answers) for _ in range(50)))


def logins(site) -> int:
    """How many login forms the site has taken."""
    return sum(
        event.get("method") == "POST" and event["path"] == LOG_IN for event in site.process.events()
    )


def test_logins_that_hang_up_hold_up_no_one_for_long(
    site, visitor, services, project, failures, report
):
    visitor.get(LOG_IN)
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    sent = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    sent = dict(visitor.headers) | sent
    headers = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    token = visitor.cookies[CSRF_COOKIE]
    answers = {"login": "nobody", "password": "wrong", "csrfmiddlewaretoken": token}
    before = logins(site)
    # The lock keeps the first logins in the database until all other clients have disconnected.
    with services.postgres.locked(project.database, "users_user"):
        asyncio.run(log_in_and_hang_up_often(site, headers, urlencode(answers), ABORTED))
    began = time.monotonic()
    with site.visitor() as other:
        assert other.get("/").status_code == 200
    report("page after 300 logins s", round(time.monotonic() - began, 1))
    taken = logins(site) - before
    report("logins taken of 300 that hung up", taken)
    # Most left while they waited, which Waitress does not see: it takes them all.
    if project.answers["server"] != "wsgi-waitress":
        assert taken < ABORTED / 3
    guesses = [visitor.submit(LOG_IN, login="nobody", password="wrong") for _ in range(5)]
    assert guesses[-1].status_code == REFUSED
    # What is taken is refused without a hash, but for five and those that ran beside the fifth.
    assert failures("nobody") <= 5 + MOST_THREADS


def test_two_who_take_one_name_at_once_get_it_once_and_an_error_page_never(site, project, services):
    url = services.postgres.url(project.database)
    with site.visitor() as one, site.visitor() as other, psycopg.connect(url) as database:
        # Both forms find the name free, and then both wait for the table.
        database.execute("LOCK TABLE users_user IN SHARE MODE")
        with ThreadPoolExecutor() as threads:
            signing_up = [
                threads.submit(one.sign_up, "twin"),
                threads.submit(other.sign_up, "Twin"),
            ]
            time.sleep(2)
            assert not any(future.done() for future in signing_up)
            database.rollback()
        answers = sorted((future.result() for future in signing_up), key=lambda a: a.status_code)
    assert [answer.status_code for answer in answers] == [200, 302]
    assert "A user with that username already exists." in answers[0].text


def test_logging_in_takes_a_new_session_and_a_new_password_ends_the_others(site, visitor):
    visitor.sign_up("renewed")
    first = visitor.session
    with site.visitor() as phone:
        phone.log_in("renewed")
        answers = {"oldpassword": PASSWORD, "password1": "new" + PASSWORD}
        answers["password2"] = answers["password1"]
        assert visitor.submit("/accounts/password/change/", **answers).is_redirect
        assert visitor.session != first
        assert "Welcome, renewed." in visitor.get("/").text
        assert "Welcome" not in phone.get("/").text
    with site.visitor() as thief:
        thief.cookies[SESSION_COOKIE] = first
        assert "Welcome" not in thief.get("/").text


def test_a_session_cookie_with_a_nul_is_a_stranger_s(site):
    with site.visitor() as visitor:
        response = visitor.get("/", headers=session_cookie(r'"abcdefgh\000"'))
    assert response.status_code == 200


def test_the_environment_moves_the_admin_closes_sign_up_and_replaces_the_key(deployment, visitor):
    visitor.sign_up("rekeyed")
    old = deployment.environment["SECRET_KEY"]
    changes = {"SECRET_KEY": old[::-1], "SECRET_KEY_FALLBACKS": old}
    changes |= {"ADMIN_PATH": "back-office/", "SIGN_UP": "closed"}
    with deployment.site(**changes) as site, site.visitor() as other:
        assert other.get("/back-office/login/").status_code == 302
        assert other.get("/admin/login/").status_code == 404
        assert "by invitation" in other.get(SIGN_UP).text
        other.cookies[SESSION_COOKIE] = visitor.session
        assert "Welcome, rekeyed." in other.get("/").text


def at_once(site, requests: int, addresses: int, send) -> list[int]:
    """The statuses of so many requests, from so many IP addresses in turn."""

    def send_from(number: int) -> int:
        with site.visitor() as visitor, visitor.coming_from(f"198.19.0.{number % addresses}"):
            return send(visitor, number).status_code

    with ThreadPoolExecutor(40) as threads:
        return list(threads.map(send_from, range(requests)))


def test_sign_ups_at_once_are_limited_per_address(site, report):
    def sign_up(visitor, number: int):
        passwords = {"password1": PASSWORD, "password2": PASSWORD}
        name = f"crowd{number}"
        return visitor.submit(SIGN_UP, username=name, email=f"{name}@example.com", **passwords)

    statuses = at_once(site, 60, 2, sign_up)
    assert set(statuses) == {302, REFUSED}
    # Those that wait for the limit's row for more than a second are refused as well.
    assert 30 <= statuses.count(302) <= 2 * 20
    report("sign-ups of 60 from two addresses", statuses.count(302))


def test_200_resets_at_once_from_20_addresses_send_three_mails(site):
    def reset(visitor, number: int):
        return visitor.submit("/accounts/password/reset/", email="victim@example.com")

    statuses = at_once(site, 200, 20, reset)
    assert set(statuses) == {302, REFUSED}
    assert 1 <= statuses.count(302) <= 3


def test_200_guesses_at_once_from_20_addresses_are_limited(site):
    def guess(visitor, number: int):
        # One account, by its names in turn.
        login = ["hunted", "HUNTED", "hunted@example.com"][number % 3]
        return visitor.submit(LOG_IN, login=login, password="wrong")

    with site.visitor() as visitor:
        visitor.sign_up("hunted")
    statuses = at_once(site, 200, 20, guess)
    assert set(statuses) == {200, REFUSED}
    # Five of each address, and those that were under way with the fifth.
    assert statuses.count(200) <= 20 * 5 + 20


@contextmanager
def broken_mail_server(fault: str):
    """The port of a server that refuses connections, hangs, or disconnects after its greeting."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        kept = []

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    if fault == "drops":
                        connection.sendall(b"220 localhost ESMTP\r\n")
                        connection.close()
                    kept.append(connection)

        if fault == "refuses":
            server.close()
        else:
            threading.Thread(target=serve, daemon=True).start()
        yield port
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("fault", ["refuses", "hangs", "drops"])
def test_accounts_work_while_the_mail_server_does_not(deployment, services, project, fault):
    with broken_mail_server(fault) as port:
        changes = {"EMAIL_URL": f"smtp://127.0.0.1:{port}"}
        changes["ACCOUNT_EMAIL_VERIFICATION"] = "optional"
        with deployment.site(**changes) as site, site.visitor() as visitor:
            began = time.monotonic()
            assert visitor.sign_up(f"unsent_{fault}").is_redirect
            seconds = time.monotonic() - began
            assert visitor.get("/").status_code == 200
            site.process.stop()
            events = site.process.events()
    unsent = [event for event in events if event["event"] == "mail not sent"]
    # Tasks send it otherwise, and a page does not wait.
    assert len(unsent) == (0 if project.answers["use_celery"] else 1)
    assert seconds < 10
    if project.answers["use_celery"]:
        services.valkey.flush()
