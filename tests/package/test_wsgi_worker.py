"""The buffers for requests and responses of Gunicorn's WSGI worker."""

import os
import socket
import threading
from contextlib import suppress

import pytest
from gunicorn.config import Config

from paas.servers import response_buffer
from paas.servers.request_buffer import RequestBuffer, RequestRejected
from paas.servers.response_buffer import ResponseBuffer

HEAD = b"POST /no/such/page HTTP/1.1\r\nHost: localhost\r\n"
LENGTH = HEAD + b"Content-Length: 5\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def requests():
    requests = RequestBuffer(Config(), ("127.0.0.1", 50000))
    yield requests
    requests.close()


def body_of(requests) -> bytes:
    return next(requests).body.read()


@pytest.mark.parametrize(
    "sent", [LENGTH + b"hello", CHUNKED + b"2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\n\r\n"]
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_request_is_complete_with_its_last_byte(requests, sent, size):
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
    assert [requests.feed(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert requests.path == "/no/such/page"
    assert body_of(requests) == b"hello"


def test_pipelined_data_is_the_next_request(requests):
    assert requests.feed(LENGTH + b"hello" + LENGTH + b"world" + b"GET /")
    assert body_of(requests) == b"hello"
    requests.reset()
    assert requests.feed(b"")
    assert body_of(requests) == b"world"
    requests.reset()
    assert not requests.feed(b"")
    assert requests.progress
    assert requests.feed(b"last HTTP/1.1\r\n\r\n")
    assert requests.path == "/last"


def test_a_chunked_body_has_a_content_length_for_django(requests):
    requests.feed(CHUNKED + b"5\r\nhello\r\n0\r\n\r\n")
    assert ("CONTENT-LENGTH", "5") in next(requests).headers


@pytest.mark.parametrize("sent", [LENGTH, CHUNKED + b"5\r\nhello"])
def test_a_body_above_the_limit_is_refused(requests, settings, sent):
    settings.MAX_BODY_SIZE = 4
    with pytest.raises(RequestRejected) as rejected:
        requests.feed(sent)
    assert rejected.value.response.status == 413


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (HEAD + b"a" * 100_000, 431),
        (CHUNKED + b"1;" + b"a" * 100_000, 400),
        (CHUNKED + b"0\r\na: " + b"a" * 100_000, 400),
    ],
    ids=["head", "chunk", "trailer"],
)
def test_a_head_or_a_chunk_line_without_end_is_refused(requests, sent, status):
    with pytest.raises(RequestRejected) as rejected:
        requests.feed(sent)
    assert rejected.value.response.status == status


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("limit_request_line", b"POST /?" + b"a" * 10_000 + b" HTTP/1.1\r\n"),
        ("limit_request_field_size", HEAD + b"a: " + b"a" * 10_000 + b"\r\n"),
        ("limit_request_fields", HEAD + b"a: b\r\n" * 200),
    ],
)
def test_gunicorn_s_own_limits_can_be_raised_for_requests_with_a_body(name, head):
    config = Config()
    config.set(name, 15_000)
    requests = RequestBuffer(config, ("127.0.0.1", 50000))
    assert not requests.feed(head + b"Content-Length: 5\r\n\r\n")
    requests.close()


@pytest.mark.parametrize(
    ("version", "expect", "is_awaited"),
    [(b"1.1", b"100-Continue", True), (b"1.0", b"100-continue", False), (b"1.1", b"tea", False)],
)
def test_only_clients_that_wait_for_100_continue_get_it(requests, version, expect, is_awaited):
    head = LENGTH.replace(b"1.1", version).replace(b"\r\n", b"\r\nExpect: " + expect + b"\r\n", 1)
    assert not requests.feed(head)
    assert requests.body.is_awaited() == is_awaited


@pytest.mark.parametrize("target", [b"/a%20b?c", b"https://localhost/a%20b?c"])
def test_the_path_is_decoded_and_has_no_query(requests, target):
    requests.feed(b"GET " + target + b" HTTP/1.1\r\n\r\n")
    assert requests.path == "/a b"


class Client:
    """The client's end of a connection, ``socket``, and the response that is sent to it."""

    def __init__(self):
        server_socket, self.socket = socket.socketpair()
        server_socket.setblocking(False)
        self.backlogs = 0
        self.response = ResponseBuffer(server_socket, self.count)

    def count(self) -> None:
        self.backlogs += 1

    def read(self) -> bytes:
        """Return all of the response; calls flush() as the main loop does."""
        self.socket.settimeout(0.1)
        parts = []
        while True:
            with suppress(BlockingIOError):
                self.response.flush()
            try:
                parts.append(self.socket.recv(100_000))
            except TimeoutError:
                return b"".join(parts)


@pytest.fixture
def client():
    client = Client()
    with client.socket:
        yield client
        client.response.abort()


def assert_closed(descriptor: int) -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_a_response_that_is_read_is_not_kept(client):
    client.response.sendall(b"hello")
    assert client.response.is_empty()
    assert client.read() == b"hello"
    assert client.backlogs == 0


def test_a_response_that_is_not_read_is_kept_in_order(client, tmp_path):
    (tmp_path / "file").write_bytes(b"f" * 1_000_000)
    pieces = [bytes([number]) * 1000 for number in range(200)]
    client.response.sendall(b"a" * 1_000_000)
    first, kept = client.socket.recv(100_000), client.response.parts[0]  # there is room again
    for piece in pieces:
        client.response.sendall(piece)
    with (tmp_path / "file").open("rb") as file:
        client.response.sendfile(file, 10, 500_000)
    client.response.sendall(b"end")
    expected = b"a" * 1_000_000 + b"".join(pieces) + b"f" * 500_000 + b"end"
    assert first + client.read() == expected
    assert client.response.is_empty()
    assert client.backlogs == 1
    assert_closed(kept.descriptor)
    client.response.sendall(b"again")
    assert client.read() == b"again"


def test_a_file_that_becomes_shorter_ends_its_response(client, tmp_path):
    (tmp_path / "file").write_bytes(b"f" * 1_000_000)
    with (tmp_path / "file").open("rb+") as file:
        client.response.sendfile(file, 0, 1_000_000)
        file.truncate(10)
    with pytest.raises(OSError, match="shorter"):
        client.read()


def test_few_files_are_open_however_many_pieces_are_kept(client):
    for _ in range(2000):
        client.response.sendall(b"x" * 1000)
    assert len(client.response.parts) == 1
    assert len(client.read()) == 2_000_000


def test_a_response_that_is_not_read_is_kept_on_disk_and_holds_no_thread(client):
    thread = threading.Thread(target=client.response.sendall, args=[b"x" * 10_000_000])
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    assert client.response.file.tell() > 9_000_000
    assert len(client.read()) == 10_000_000


def test_a_response_that_would_fill_the_disk_waits_for_its_client(client, monkeypatch):
    monkeypatch.setattr(response_buffer, "MAX_IN_FILE", 1_000_000)
    thread = threading.Thread(target=client.response.sendall, args=[b"x" * 5_000_000])
    thread.start()
    thread.join(0.5)
    assert thread.is_alive()
    assert len(client.read()) == 5_000_000
    thread.join(10)
    assert not thread.is_alive()


def test_sending_to_a_disconnected_client_raises(client):
    client.response.sendall(b"x" * 10_000_000)
    kept = client.response.parts[0]
    client.response.abort()
    assert client.response.is_empty()
    assert_closed(kept.descriptor)
    with pytest.raises(BrokenPipeError):
        client.response.sendall(b"more")
