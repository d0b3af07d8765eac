"""Gunicorn's WSGI worker: when it closes a connection, and what it forgets then."""

import logging
import os
import selectors
import socket
import struct
import time
from concurrent.futures import Future

import pytest
from gunicorn.config import Config

from paas import limits
from paas.limits import BAD_REQUEST
from paas.servers.gunicorn_wsgi import Worker

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"
LENGTH = HEAD + b"Content-Length: 5\r\n\r\n"
INVALID = HEAD + b"Transfer-Encoding: chunked\r\n\r\nno chunk\r\n"


def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"OK"]


class Log(logging.Logger):
    def __init__(self):
        super().__init__("worker")
        self.parent = logging.root

    def access(self, *_):
        """Called after each response."""


@pytest.fixture
def worker():
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    worker = Worker(1, os.getppid(), [listener], None, 30, Config(), Log())
    # What init_process() does, without signals.
    worker.tpool = worker.get_thread_pool()
    worker.poller = selectors.DefaultSelector()
    worker.method_queue.init()
    worker.wsgi = application
    yield worker
    worker.end()
    listener.close()
    worker.tmp.close()


@pytest.fixture
def client(worker):
    with socket.create_connection(worker.sockets[0].getsockname()) as client:
        client.settimeout(1)
        yield client


@pytest.fixture
def connection(worker, client):
    """The worker's end of ``client``."""
    worker.accept(worker.sockets[0])
    queue = worker.method_queue
    worker.poller.register(queue.fileno(), selectors.EVENT_READ, queue.run_callbacks)
    [connection] = worker.connections
    return connection


def get(worker, client, headers: bytes = b"") -> bytes:
    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n")
    worker.serve(1)  # reads the request
    worker.serve(1)  # the thread is done
    return client.recv(10_000)


def test_a_connection_s_send_buffer_has_a_fixed_size(worker):
    twin = worker.sockets[0].dup()  # run() closes the other
    worker.alive = False
    worker.poller.close()
    worker.poller = selectors.DefaultSelector()
    worker.run()
    worker.method_queue.init()  # for the fixture
    with twin:
        size = twin.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    assert size in (131_072, 262_144)  # Linux doubles what is set


def test_an_error_is_the_end_of_the_response_and_the_rest_is_dropped(worker, client, connection):
    client.sendall(INVALID)
    worker.serve(1)
    assert client.recv(10_000) == BAD_REQUEST.message
    assert client.recv(10_000) == b""
    assert connection.parser.received == b""
    assert connection.deadline < time.monotonic() + 6  # DISCARD_PAUSE_SECONDS
    client.sendall(INVALID)
    worker.serve(1)
    assert connection in worker.connections
    client.close()
    worker.serve(1)
    assert not worker.connections


def test_a_client_that_sends_without_end_after_an_error_is_disconnected(
    worker, client, connection, monkeypatch
):
    monkeypatch.setattr(limits, "DISCARD_BYTES", 100)
    client.sendall(INVALID)
    worker.serve(1)
    client.sendall(b"x" * 50)
    worker.serve(1)
    assert worker.connections
    client.sendall(b"x" * 50)
    worker.serve(1)
    assert not worker.connections


@pytest.mark.parametrize("alive", [True, False])
def test_data_after_an_error_extends_the_timeout_unless_the_worker_stops(
    worker, client, connection, alive
):
    client.sendall(INVALID)
    worker.serve(1)
    worker.alive = alive
    connection.deadline = before = time.monotonic() + 1
    client.sendall(b"x")
    worker.serve(1)
    assert (connection.deadline > before) == alive


def test_a_connection_is_kept_unless_the_client_or_the_number_of_them_forbids(
    worker, client, connection
):
    assert b"Connection: keep-alive" in get(worker, client)
    assert connection.is_idle()
    worker.max_keepalived = 1
    assert b"Connection: close" in get(worker, client)
    assert client.recv(10_000) == b""


def test_a_client_that_asks_for_it_is_disconnected_after_the_response(worker, client, connection):
    assert b" 200 " in get(worker, client, b"Connection: close\r\n")
    assert client.recv(10_000) == b""


def test_a_request_whose_client_left_while_it_waited_is_not_run(client, connection):
    connection.queued_at = time.monotonic() - 1
    assert not connection.has_left()
    client.close()
    assert connection.has_left()
    connection.queued_at = time.monotonic() + 1
    assert not connection.has_left()


def test_a_reset_is_no_error_and_ends_the_connection_once(worker, client, connection, caplog):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    worker.serve(1)
    assert not worker.connections
    worker.call(worker.wait_for_request, connection)
    assert not caplog.records


def test_a_body_stays_open_until_its_request_has_run(worker, client, connection):
    client.sendall(LENGTH)
    worker.serve(1)
    connection.is_running, file = True, connection.parser.body.file
    worker.drop(connection)
    assert not file.closed
    future: Future = Future()
    future.set_result(True)
    worker.finish_request(connection, future)
    assert file.closed
