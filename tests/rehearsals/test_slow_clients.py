"""Clients that read or send slowly, or not at all, hold up no one and are disconnected in time."""

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import cycle, islice

import pytest

from harness.combinations import SERVERS, for_combinations, is_asgi
from harness.limits import (
    IDLE_SECONDS,
    REPORT_SECONDS,
    SEND_TIMEOUT,
    SLOTS,
    THREADS,
    UNREAD_ON_DISK,
)
from harness.site import CSRF_COOKIE, Site
from harness.views import FILE_SIZE
from harness.waiting import wait_until
from rehearsal.peak import Peak, clients_of
from rehearsal.raw import Raw, get, request, slow_senders

APART = "limits"
EACH = for_combinations(SERVERS, apart=APART)

READERS = 18
SENDERS = 60
PAGE_SECONDS = 4  # less than SEND_TIMEOUT
# Pages in one piece, streams of pieces, and files.
TO_READ = ["big", "big", *["pieces", "file"] * ((READERS - 2) // 2)]
# For the readers, who request 430 MB in all.
MEGABYTES = 100
# The kernel probes a stalled connection, and so checks TCP_USER_TIMEOUT, ever less often.
DISCONNECTED_SECONDS = 6 * SEND_TIMEOUT


def page_seconds(site: Site, pages: int = 10) -> float:
    """How long the slowest of some pages took."""
    seconds = []
    for path in islice(cycle(["/", "/healthz", "/accounts/login/"]), pages):
        began = time.monotonic()
        assert get(site, path).status == 200
        seconds.append(time.monotonic() - began)
    return max(seconds)


@EACH
def test_clients_that_do_not_read_hold_up_no_one_and_are_disconnected(limited, temporary, report):
    with ExitStack() as stack:
        peak = stack.enter_context(Peak(limited, temporary))
        readers = [stack.enter_context(Raw(limited, 4096)) for _ in range(READERS)]
        for reader, name in zip(readers, TO_READ, strict=True):
            reader.send(f"/extra/{name}/")
        seconds = page_seconds(limited)
        began = time.monotonic()
        wait_until(lambda: clients_of(limited) == 0, "all disconnections", DISCONNECTED_SECONDS)
        report("slow readers disconnected after s", round(time.monotonic() - began, 1))
        assert {reader.read_head()[0] for reader in readers} == {200}
    report("page beside slow readers s", round(seconds, 2))
    report("memory for slow readers MB", round(peak.more("memory")))
    report("disk for slow readers MB", round(peak.more("disk")))
    assert seconds < PAGE_SECONDS
    assert peak.more("memory") < MEGABYTES


def read_steadily(client: Raw) -> bytes:
    """Take twice SEND_TIMEOUT to read a file, and ask for another page; return the file's digest.

    The last quarter is read at once. It is more than the kernel holds of a response, so the server
    has sent the last byte just before that page is asked for, and still keeps the connection.
    """
    client.send("/extra/file/")
    status, headers = client.read_head()
    assert (status, headers["content-length"]) == (200, str(FILE_SIZE))
    digest = hashlib.sha256()
    for _ in range(30):
        digest.update(client.file.read(FILE_SIZE // 40))
        time.sleep(2 * SEND_TIMEOUT / 30)
    digest.update(client.file.read(FILE_SIZE // 4))
    client.send("/healthz")
    assert client.read().body == b"ok"
    return digest.digest()


@EACH
def test_clients_that_read_slowly_get_everything_and_hold_no_thread(limited, deployment, report):
    file = (deployment.platform.folder / "extra/large_file").read_bytes()
    with ExitStack() as stack:
        peak = stack.enter_context(Peak(limited))
        clients = [stack.enter_context(Raw(limited, 256_000)) for _ in range(THREADS)]
        reading = stack.enter_context(ThreadPoolExecutor()).map(read_steadily, clients)
        seconds = page_seconds(limited)
        assert set(reading) == {hashlib.sha256(file).digest()}
    report("page beside steady readers s", round(seconds, 2))
    report("memory for 4 files of 26 MB, MB", round(peak.more("memory")))
    assert seconds < PAGE_SECONDS
    assert peak.more("memory") < 3 * FILE_SIZE / 1e6


@EACH
def test_clients_that_send_slowly_hold_up_no_one(limited, report):
    form = {
        # Without it Django refuses the form before it reads any of it.
        "Cookie": f"{CSRF_COOKIE}={32 * 'a'}",
        "Content_Type": "application/x-www-form-urlencoded",
        "Content_Length": "100000",
    }
    beginnings = [
        request(limited, "/")[:-2],
        request(limited, "/extra/read/", "POST", Content_Length="100000") + b"a",
        request(limited, "/accounts/login/", "POST", **form) + b"a",
    ]
    with Peak(limited) as peak, slow_senders(limited, islice(cycle(beginnings), SENDERS)):
        wait_until(lambda: clients_of(limited) == SENDERS, "all connections")
        seconds = page_seconds(limited)
    report("page beside 60 slow senders s", round(seconds, 2))
    assert seconds < PAGE_SECONDS
    assert peak.more("memory") < MEGABYTES
    wait_until(lambda: clients_of(limited) == 0, "the end of all connections")


# By server: how much a client has sent when it stops and is disconnected.
DISCONNECTED = {
    "asgi-daphne": {"nothing", "a part of a head", "a part of a body", "a late body"},
    "asgi-uvicorn": {"nothing", "a part of a head", "a part of a body", "a late body"},
    "wsgi-gunicorn": {"nothing", "a part of a head", "a part of a body", "a late body"},
    "wsgi-waitress": {"a part of a head", "a part of a body"},
}


def seconds_until_closed(client: Raw) -> float:
    began = time.monotonic()
    client.file.read()  # a server may send 408 before it closes
    return time.monotonic() - began


@EACH
def test_clients_that_stop_sending_are_disconnected(limited, project):
    sent = {
        "nothing": b"",
        "a part of a head": request(limited, "/")[:-2],
        "a part of a body": request(limited, "/extra/read/", "POST", Content_Length="100") + b"a",
        "a late body": request(limited, "/healthz", "POST", Content_Length="1"),
    }
    with ExitStack() as stack:
        clients = []
        for part in DISCONNECTED[project.answers["server"]]:
            clients.append(stack.enter_context(Raw(limited)))
            clients[-1].socket.sendall(sent[part])
            if part == "a late body":  # after the response, which waits for none
                time.sleep(0.5)
                clients[-1].socket.sendall(b"a")
        seconds = stack.enter_context(ThreadPoolExecutor()).map(seconds_until_closed, clients)
        # One that is not disconnected raises TimeoutError after a minute.
        assert min(seconds) > IDLE_SECONDS - 1


def send_steadily(site: Site) -> dict:
    """Send twice MIN_BYTES_PER_SECOND, for longer than RECEIVE_SECONDS; returns the response."""
    seconds = 2 * IDLE_SECONDS
    with Raw(site) as client:
        client.send("/extra/read/", "POST", Content_Length=str(1000 * seconds))
        for _ in range(seconds):
            client.socket.sendall(bytes(1000))
            time.sleep(1)
        return client.read().json()


def request_now_and_then(site: Site) -> set[int]:
    """Send requests on one connection for longer than RECEIVE_SECONDS; returns their statuses."""
    found = set()
    with Raw(site) as client:
        for _ in range(4):
            client.send("/extra/slow/?name=now-and-then&seconds=1")
            found.add(client.read().status)
            time.sleep(IDLE_SECONDS / 4)
    return found


@EACH
def test_a_request_that_comes_byte_by_byte_is_dropped_and_a_steady_one_is_not(limited):
    beginnings = [
        request(limited, "/")[:-2],
        request(limited, "/extra/read/", "POST", Content_Length="100000") + b"a",
    ]
    with slow_senders(limited, islice(cycle(beginnings), 20)), ThreadPoolExecutor() as threads:
        steady = threads.submit(send_steadily, limited)
        now_and_then = threads.submit(request_now_and_then, limited)
        wait_until(lambda: clients_of(limited) == 22, "all connections")
        wait_until(lambda: clients_of(limited) == 0, "all disconnections", 3 * IDLE_SECONDS)
        assert steady.result() == {"length": 2000 * IDLE_SECONDS}
        assert now_and_then.result() == {200}


@EACH
@pytest.mark.parametrize("kind", ["idle", "a part of a body", "an unread response"])
def test_clients_that_take_every_connection_leave_room_for_the_next(limited, project, kind):
    body = request(limited, "/extra/read/", "POST", Content_Length="100000") + b"a"
    with ExitStack() as stack:
        clients = [stack.enter_context(Raw(limited, 4096)) for _ in range(SLOTS + 50)]
        for client in clients:
            with suppress(OSError):  # the site has closed it
                if kind == "a part of a body":
                    client.socket.sendall(body)
                if kind == "an unread response":
                    client.send("/extra/file/")
                    client.read_head()
        assert page_seconds(limited) < PAGE_SECONDS
        if not is_asgi(project.answers):
            assert clients_of(limited) <= SLOTS
            assert "connections dropped for new ones" in limited.process.output()
        if not is_asgi(project.answers) and kind == "idle":  # the oldest is dropped
            assert (clients[0].has_answer(), clients[-1].has_answer()) == (True, False)


@for_combinations([one for one in SERVERS if one["server"] == "wsgi-waitress"], apart=APART)
def test_what_clients_do_not_read_takes_a_bounded_part_of_the_disk(limited, temporary, report):
    """Above MAX_UNREAD_ON_DISK clients that read nothing are disconnected before SEND_TIMEOUT."""
    bound = UNREAD_ON_DISK / 1e6
    peak = Peak(limited, temporary)
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(Raw(limited, 4096)).send("/extra/pieces/")
        wait_until(lambda: peak.look()["disk"] > bound, "more on disk than the bound")
        began = time.monotonic()
        wait_until(lambda: peak.look()["disk"] <= bound, "less on disk")
        seconds = time.monotonic() - began
        report("disk within its bound after s", round(seconds, 1))
        assert seconds < SEND_TIMEOUT - 1
        assert clients_of(limited) < 8
    wait_until(limited.answers, "an answer")
    assert len(get(limited, "/extra/big/").body) == 5_000_000


@for_combinations([one for one in SERVERS if one["server"] == "wsgi-gunicorn"], apart=APART)
def test_it_stays_alive_while_it_has_nothing_to_do(limited):
    before = [process.pid for process in limited.process.workers()]
    time.sleep(2 * REPORT_SECONDS)
    assert [process.pid for process in limited.process.workers()] == before
