"""What paas.asgi adds to stock Daphne and Uvicorn, on the running server: large bodies, slow readers."""

import os
import re
import select
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings

from example.production import ENVIRONMENT, HTTPS, web_command
from paas.testing.server import START_TIMEOUT, STOP_TIMEOUT, Server

IS_DAPHNE = "daphne" in settings.SITE_SERVER
TOO_LARGE, WITHIN_LIMIT = 100_000_000, 9_900_000  # MAX_BODY_SIZE is 10,000,000
PARTS = 400  # of 64 KB, in the stream of example/asgi_site.py


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    log = tmp_path_factory.mktemp("seams") / "log"
    with Server(web_command("example.asgi_site"), log, ENVIRONMENT) as server:
        server.wait_until(server.is_healthy, START_TIMEOUT)
        yield server


def sent_parts(site: Server) -> int:
    with site.connect() as connection:
        connection.request("GET", "/count/", headers=HTTPS)
        return int(connection.getresponse().read())


def test_a_body_above_the_limit_is_not_read_to_its_end(site):
    """Uvicorn's client reads a 413; Daphne's is disconnected, as no application sees its request."""
    head = f"POST /read/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {TOO_LARGE}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", site.port), STOP_TIMEOUT) as client:
        client.sendall(head.encode())
        size, has_answer = 0, False
        with suppress(ConnectionError):
            while size < TOO_LARGE and not has_answer:
                client.sendall(bytes(65536))
                size += 65536
                has_answer = bool(select.select([client], [], [], 0)[0])
        assert size < TOO_LARGE / 2
        assert IS_DAPHNE or client.recv(12) == b"HTTP/1.1 413"
    assert '"status": 413' in site.log.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_form_of_many_fields_is_not_parsed_before_django_sees_it(site):
    """Twisted's parser takes 30 bytes of memory for each byte of such a form."""
    before = peak_megabytes(site)
    with site.connect() as connection:
        form = "".join(f"{number:06x}=&" for number in range(WITHIN_LIMIT // 8)).encode()
        headers = HTTPS | {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/read/", form, headers)
        assert connection.getresponse().read() == str(len(form)).encode()
    assert peak_megabytes(site) - before < 100


def peak_megabytes(site: Server) -> float:
    """The most memory that a process of the site has taken."""
    peaks: list[str] = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):  # a process may end meanwhile
            if os.getpgid(int(status.parent.name)) == site.process.pid:
                peaks += re.findall(r"VmHWM:\s+(\d+)", status.read_text())
    return max(map(int, peaks)) / 1000


def test_a_stream_waits_for_a_client_that_does_not_read(site):
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.settimeout(STOP_TIMEOUT)
        client.connect(("127.0.0.1", site.port))
        client.sendall(
            b"GET /large/ HTTP/1.0\r\nHost: 127.0.0.1\r\nX-Forwarded-Proto: https\r\n\r\n"
        )
        assert client.recv(12) == b"HTTP/1.1 200" or IS_DAPHNE
        counts = [0]
        while not counts[-1] or counts[-1] != counts[-2]:
            time.sleep(0.5)
            counts.append(sent_parts(site))
        assert counts[-1] < PARTS / 2
        size = 0
        while data := client.recv(1_000_000):
            size += len(data)
    assert sent_parts(site) == PARTS
    assert size > PARTS * 65536
