"""Gunicorn's WSGI worker reads and writes for its threads, so that no client holds one."""

import hashlib
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from rehearsal.combinations import SERVERS, for_combinations
from rehearsal.site import Site

pytestmark = for_combinations(
    [answers for answers in SERVERS if answers["server"] == "wsgi-gunicorn"]
)

# Views beside the project's own.
VIEWS = """
import hashlib
import tempfile
import time

from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from paas.limits import max_body_size


@csrf_exempt
def echo(request):
    found = hashlib.sha256()
    while piece := request.read(65536):
        found.update(piece)
    return JsonResponse({"sha256": found.hexdigest(), "method": request.method})


@csrf_exempt
@max_body_size(10)
def small(request):
    return HttpResponse(request.body)


def large(request, size):
    return HttpResponse(b"x" * size)


def stream(request, count, seconds):
    def lines():
        for number in range(count):
            yield f"{number}\\n" * 1000
            time.sleep(seconds / 100)

    return StreamingHttpResponse(lines())


def download(request, size):
    file = tempfile.TemporaryFile()
    file.truncate(size)
    return FileResponse(file)


def slow(request, seconds):
    time.sleep(seconds)
    return HttpResponse("slow")


def broken(request):
    def lines():
        yield "a line\\n"
        raise ValueError("in the middle")

    return StreamingHttpResponse(lines())


urlpatterns = [
    path("echo/", echo),
    path("small/", small),
    path("large/<int:size>", large),
    path("stream/<int:count>/<int:seconds>", stream),
    path("download/<int:size>", download),
    path("slow/<int:seconds>", slow),
    path("broken/", broken),
    path("", include("config.urls")),
]
"""
SETTINGS = """
from config.settings import *

ROOT_URLCONF = "views_of_test"
"""
MEGABYTE = 1_000_000
THREADS = 4


@pytest.fixture(scope="module")
def own_views(deployment):
    """The changes to the environment with which a process has VIEWS: it is one, with 4 threads."""
    folder = deployment.platform.folder
    (folder / "views_of_test.py").write_text(VIEWS)
    (folder / "settings_of_test.py").write_text(SETTINGS)
    changes = {"DJANGO_SETTINGS_MODULE": "settings_of_test", "WEB_CONCURRENCY": "1"}
    return changes | {"SEND_TIMEOUT": "3", "WEB_THREADS": str(THREADS), "PYTHONPATH": str(folder)}


@pytest.fixture(scope="module")
def server(deployment, own_views):
    with deployment.site(**own_views) as site:
        yield site


class Raw:
    """A client that sends bytes and reads responses, each as its status, head and body."""

    def __init__(self, site: Site, receive_buffer: int = 0):
        self.host = site.platform.host
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", site.port))
        self.file = self.socket.makefile("rb")

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def request(self, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", "X-Forwarded-Proto: https"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    def send(self, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> None:
        self.socket.sendall(self.request(path, method, body, **headers))

    def read_head(self) -> tuple[int, dict[str, str]]:
        status = int(self.file.readline().split()[1])
        headers = {}
        while line := self.file.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        return status, headers

    def read(self) -> tuple[int, dict[str, str], bytes]:
        status, headers = self.read_head()
        if "content-length" in headers:
            return status, headers, self.file.read(int(headers["content-length"]))
        parts = []
        while size := int(self.file.readline(), 16):
            parts.append(self.file.read(size))
            self.file.readline()
        self.file.readline()
        return status, headers, b"".join(parts)

    def is_closed(self) -> bool:
        return self.file.read(1) == b""


@pytest.fixture
def client(server):
    with closing(Raw(server)) as client:
        yield client


def page_seconds(site: Site, path: str = "/accounts/login/") -> float:
    """How long another client waits for a page."""
    began = time.monotonic()
    with closing(Raw(site)) as client:
        client.send(path)
        assert client.read()[0] == 200
    return time.monotonic() - began


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()


def chunked(data: bytes, size: int) -> bytes:
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*parts, b""])


def test_a_body_of_any_framing_arrives_whole_and_the_connection_stays(client):
    for size in (1, 65_535, 65_536, 3 * MEGABYTE):
        body = bytes(range(256)) * (size // 256) + b"a" * (size % 256)
        client.send("/echo/", "POST", body)
        assert sha256(body) in client.read()[2]
        client.send("/echo/", "POST", Transfer_Encoding="chunked")
        client.socket.sendall(chunked(body, 10_000))
        assert sha256(body) in client.read()[2]


def test_pipelined_requests_are_answered_in_turn(client):
    first = client.request("/echo/", "POST", b"one")
    second = client.request("/echo/", "POST", Transfer_Encoding="chunked") + chunked(b"two", 1)
    third = client.request("/echo/", "PUT", b"three")
    client.socket.sendall(first + second + third + client.request("/echo/"))
    for body, method in [(b"one", b"POST"), (b"two", b"POST"), (b"three", b"PUT"), (b"", b"GET")]:
        found = client.read()[2]
        assert sha256(body) in found
        assert b'"method": "%b"' % method in found


def test_a_head_that_trickles_in_is_answered(client):
    request = client.request("/echo/", "POST", b"body")
    for byte in request:
        client.socket.sendall(bytes([byte]))
        time.sleep(0.001)
    assert sha256(b"body") in client.read()[2]


def test_a_client_that_waits_for_100_continue_gets_it_once(client):
    body = b"b" * 100_000
    head = client.request("/echo/", "POST", Expect="100-continue", Content_Length=str(len(body)))
    client.socket.sendall(head)
    assert client.read_head() == (100, {})
    client.socket.sendall(body)
    status, _, found = client.read()
    assert (status, sha256(body) in found) == (200, True)


def test_a_body_that_is_announced_as_too_large_is_refused_before_it_is_sent(client):
    client.send("/echo/", "POST", Expect="100-continue", Content_Length="300000000")
    assert client.read()[0] == 413
    assert client.is_closed()


def test_a_view_has_a_limit_of_its_own(server):
    for body in (b"0123456789", b"0123456789a"):
        with closing(Raw(server)) as client:
            client.send("/small/?a=b", "POST", body)
            assert client.read()[0] == (200 if len(body) == 10 else 413)


def test_a_client_that_sends_on_reads_why_it_was_refused(server):
    with closing(Raw(server)) as client:
        client.send("/echo/", "POST", Content_Length=str(60 * MEGABYTE))
        for _ in range(60):
            client.socket.sendall(bytes(MEGABYTE))
        assert client.read()[0] == 413


def test_a_head_request_has_no_body_and_the_next_one_has(client):
    client.send("/large/1000", "HEAD")
    status, headers = client.read_head()
    assert (status, headers["content-length"]) == (200, "1000")
    client.send("/large/10")
    assert client.read()[2] == b"x" * 10


def test_a_connection_closes_after_a_response_that_says_so(client):
    client.send("/large/10", Connection="close")
    status, headers, body = client.read()
    assert (status, headers["connection"], body) == (200, "close", b"x" * 10)
    assert client.is_closed()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a: b\r\n" * 20_000, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        (b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a" * 5000), 414),
        (b"nonsense\r\n\r\n", 400),
    ],
)
def test_an_invalid_request_is_refused(client, sent, status):
    client.socket.sendall(sent)
    assert client.file.readline().split()[1] == str(status).encode()


def test_a_response_reaches_a_client_that_reads_slowly_and_holds_no_thread(server):
    size = 20 * MEGABYTE
    paths = [f"/large/{size}", f"/download/{size}", f"/large/{size}", f"/download/{size}"]
    clients = [Raw(server, receive_buffer=4096) for _ in paths]
    for client, path in zip(clients, paths, strict=True):
        client.send(path)
    time.sleep(0.5)
    assert page_seconds(server) < 2
    # At once, as one that does not read for SEND_TIMEOUT is disconnected.
    with ThreadPoolExecutor() as executor:
        responses = executor.map(Raw.read, clients)
        assert [len(body) for _, _, body in responses] == [size] * len(paths)
    for client in clients:
        client.send("/large/3")
        assert client.read()[2] == b"xxx"
        client.close()


def test_a_client_that_never_reads_is_disconnected(server):
    clients = [Raw(server, receive_buffer=4096) for _ in range(2 * THREADS)]
    for client in clients:
        client.send(f"/large/{20 * MEGABYTE}")
    assert page_seconds(server) < 2
    time.sleep(6)  # SEND_TIMEOUT is 3
    for client in clients:
        with closing(client):
            assert len(client.file.read()) < 5 * MEGABYTE


def test_a_large_response_takes_no_memory(server):
    before = server.process.memory()
    for path in (f"/download/{50 * MEGABYTE}", "/stream/10000/0"):
        with closing(Raw(server, receive_buffer=4096)) as client:
            client.send(path)
            time.sleep(1)
            assert server.process.memory() - before < 5
            assert len(client.read()[2]) > 40 * MEGABYTE


def test_a_stream_arrives_line_by_line(client):
    client.send("/stream/10/20")
    client.read_head()
    began = time.monotonic()
    client.file.read(1000)
    assert time.monotonic() - began < 0.5
    client.file.read(9000)
    assert time.monotonic() - began > 0.5


def test_a_response_that_fails_in_the_middle_is_cut_off(client):
    client.send("/broken/")
    assert client.read_head()[0] == 200
    rest = client.file.read()
    assert b"a line" in rest
    assert not rest.endswith(b"0\r\n\r\n")


def test_health_checks_do_not_wait_for_pages_and_too_many_pages_are_refused(deployment, own_views):
    with deployment.site(**own_views | {"MAX_QUEUED_REQUESTS": "3"}) as site:
        clients = [Raw(site) for _ in range(THREADS + 3)]
        for client in clients:
            client.send("/slow/3")
        time.sleep(0.5)
        with closing(Raw(site)) as late:
            late.send("/large/10")
            status, headers, _ = late.read()
        assert (status, headers["retry-after"]) == (503, "5")
        assert page_seconds(site, "/healthz") < 1
        assert page_seconds(site, "/readyz") < 1
        for client in clients:
            with closing(client):
                assert client.read()[0] == 200


def test_requests_whose_clients_left_while_they_waited_are_dropped(deployment, own_views):
    with deployment.site(**own_views) as site:
        for _ in range(50):
            with closing(Raw(site)) as client:
                client.send("/slow/1")
        assert page_seconds(site) < 3


def test_it_stays_alive_while_it_has_nothing_to_do(deployment, own_views):
    with deployment.site(**own_views | {"GUNICORN_CMD_ARGS": "--timeout 2"}) as site:
        before = [process.pid for process in site.process.workers()]
        time.sleep(5)
        assert [process.pid for process in site.process.workers()] == before


def test_sigterm_finishes_requests_in_progress(deployment, own_views):
    size = 20 * MEGABYTE
    with deployment.site(**own_views) as site:
        reading, idle, sending = Raw(site, receive_buffer=4096), Raw(site), Raw(site)
        reading.send(f"/large/{size}")
        idle.send("/large/1")
        assert idle.read()[0] == 200
        body = b"late"
        request = sending.request("/echo/", "POST", body)
        sending.socket.sendall(request[:-3])
        time.sleep(0.5)
        site.process.signal(signal.SIGTERM)
        time.sleep(2)
        sending.socket.sendall(request[-3:])
        status, headers, found = sending.read()
        assert (status, headers["connection"], sha256(body) in found) == (200, "close", True)
        assert len(reading.read()[2]) == size
        assert idle.is_closed()
        assert site.process.process.wait(10) == 0
    for client in (reading, idle, sending):
        client.close()
