"""Stock Gunicorn and Waitress with paas.wsgi: request bodies, SIGTERM."""

import io
import json
import signal
import threading
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


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Server(COMMAND, tmp_path_factory.mktemp("wsgi") / "log", ENVIRONMENT) as server:
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


def ask(server, sent: threading.Semaphore, found: list) -> None:
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request("GET", "/wait/?seconds=2", headers=HTTPS)
        sent.release()
        response = connection.getresponse()
        found.append((response.status, response.read()))


@needs_sigterm
def test_requests_in_flight_finish_after_sigterm(tmp_path):
    """Also those that wait for one of Waitress' 8 threads, and half of an upload."""
    waited: list = []
    sent = threading.Semaphore(0)
    with Server(COMMAND, tmp_path / "log", ENVIRONMENT) as server:
        server.wait_until(server.is_healthy, START_TIMEOUT)
        threads = [threading.Thread(target=ask, args=(server, sent, waited)) for _ in range(12)]
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
