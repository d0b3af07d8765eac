"""Stock Gunicorn and Waitress with paas.wsgi: request bodies, SIGTERM, logs."""

import io
import json
import signal
import socket
import threading
import time
from contextlib import closing
from http.client import HTTPConnection

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler as DjangoHandler
from django.http import FileResponse, HttpResponse, StreamingHttpResponse

from example.production import ENVIRONMENT, HTTPS, web_command
from paas import wsgi
from paas.testing.server import START_TIMEOUT, STOP_TIMEOUT, Server, needs_sigterm

IS_WAITRESS = "waitress" in settings.SITE_SERVER
COMMAND = web_command("example.wsgi_site")
# Above MAX_BODY_SIZE, 10 MB.
TOO_LARGE = 12_000_000
FILE_SIZE = 30_000_000
# More than ACCEPT_SECONDS.
DOWNLOAD_SECONDS = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("wsgi")
    (path / "file").write_bytes(bytes(FILE_SIZE))
    return path


@pytest.fixture(scope="module")
def site(folder):
    with Server(COMMAND, folder / "log", ENVIRONMENT | {"FILE": str(folder / "file")}) as server:
        server.wait_until(server.is_healthy, START_TIMEOUT)
        yield server


def send(site, path: str, body: bytes, chunked: bool = False) -> tuple[int, str]:
    """Send all of the body before looking for the response; returns its status and text."""
    with site.connect() as connection:
        pieces = [body[start : start + 65536] for start in range(0, len(body), 65536)]
        length = {} if chunked else {"Content-Length": str(len(body))}
        connection.request("POST", path, pieces, HTTPS | length, encode_chunked=chunked)
        response = connection.getresponse()
        return response.status, response.read().decode()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_sends_all_of_a_large_body_sees_the_413(site, chunked):
    status, text = send(site, "/echo/", bytes(TOO_LARGE), chunked)
    assert (status, text) == (413, "This request is too large.\n")
    # The next request on its connection would have been read from the body.
    assert send(site, "/echo/", b"\1") == (200, "1 1")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_leaves_amid_its_body_reaches_no_view(site, chunked):
    with site.connect() as connection:
        connection.putrequest("POST", "/echo/?left")
        name, value = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", "99")
        connection.putheader(name, value)
        connection.endheaders(b"63\r\nhalf" if chunked else b"half")
    send(site, "/echo/", b"\1")
    events = [json.loads(line) for line in site.log.read_text().splitlines()]
    assert {event["status"] for event in events if event["event"] == "request"} == {200}


def test_each_request_is_one_line_of_json_and_has_no_query_string(site):
    with socket.create_connection(("127.0.0.1", site.port), STOP_TIMEOUT) as client:
        client.sendall(b"GET /?secret HTTP/1.1\r\nno header\r\n\r\n")
        assert b" 400 " in client.makefile("rb").readline()
    before = site.log.read_text().count("/wait/")
    with site.connect() as connection:
        connection.request("GET", "/wait/?seconds=0&secret", headers=HTTPS)
        assert connection.getresponse().status == 200
    log = site.log.read_text()
    assert all(json.loads(line) for line in log.splitlines())
    assert log.count("/wait/") == before + 1
    assert "secret" not in log


def ask(server, sent: threading.Semaphore, found: list) -> None:
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request("GET", "/wait/?seconds=2", headers=HTTPS)
        sent.release()
        response = connection.getresponse()
        found.append((response.status, response.read()))


def download(server, sent: threading.Semaphore, found: list) -> None:
    """Read the file as it comes, with pauses."""
    with socket.create_connection(("127.0.0.1", server.port), 60) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        head = "GET /download/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-Proto: https\r\n\r\n"
        client.sendall(head.encode())
        size = len(client.recv(1_000_000))
        sent.release()
        while size < FILE_SIZE and (data := client.recv(1_000_000)):
            size += len(data)
            time.sleep(len(data) * DOWNLOAD_SECONDS / FILE_SIZE)
        found.append(size)


@needs_sigterm
def test_requests_in_flight_finish_after_sigterm(folder):
    """Also those that wait for one of Waitress' 8 threads, and half of an upload."""
    waited: list = []
    downloaded: list = []
    sent = threading.Semaphore(0)
    with Server(COMMAND, folder / "stop", ENVIRONMENT | {"FILE": str(folder / "file")}) as server:
        server.wait_until(server.is_healthy, START_TIMEOUT)
        threads = [threading.Thread(target=download, args=(server, sent, downloaded))]
        threads += [threading.Thread(target=ask, args=(server, sent, waited)) for _ in range(12)]
        with server.connect() as upload:
            upload.putrequest("POST", "/echo/")
            upload.putheader("X-Forwarded-Proto", "https")
            upload.putheader("Content-Length", "2")
            upload.endheaders(b"\1")
            for thread in threads:
                thread.start()
            for _ in threads:
                assert sent.acquire(timeout=STOP_TIMEOUT)
            if not IS_WAITRESS:  # which stops accepting: it has accepted all that came before
                assert server.is_healthy()
            server.signal(signal.SIGTERM)
            upload.send(b"\2")
            response = upload.getresponse()
            assert (response.status, response.read()) == (200, b"2 3")
        for thread in threads:
            thread.join(60)
        assert waited == [(200, b"waited")] * 12
        assert downloaded[0] > FILE_SIZE
        assert server.process.wait(STOP_TIMEOUT) == 0


@pytest.fixture
def sigterm():
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


@needs_sigterm
def test_a_thread_that_imports_the_application_sets_no_handler(sigterm):
    """As runserver's."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    thread = threading.Thread(target=wsgi.GracefulShutdown, args=[None])
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize(
    ("response", "times"),
    [
        (HttpResponse("page"), 1),
        (StreamingHttpResponse(["stream"]), 0),
        (FileResponse(io.BytesIO(b"file")), 1),
    ],
)
def test_only_a_stream_keeps_its_database_connection(monkeypatch, response, times):
    """Else clients that do not read a response hold one each."""
    calls: list = []
    monkeypatch.setattr(wsgi, "close_old_connections", lambda: calls.append(1))
    monkeypatch.setattr(DjangoHandler, "get_response", lambda self, request: response)
    assert wsgi.WSGIHandler().get_response(None) is response
    assert len(calls) == times
