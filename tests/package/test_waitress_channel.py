"""Waitress: the memory that a response takes, and log lines of waiting requests."""

import logging
import socket
import threading
import time
import tracemalloc
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.utils.module_loading import import_string
from waitress.task import WSGITask

from paas import limits
from paas.limits import OVERLOADED, TOO_LARGE
from paas.servers import waitress
from paas.servers.waitress import make_server
from paas.servers.waitress_channel import Channel, Parser

PART = b"x" * 50_000
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"POST /no/such/page HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
# Imported here and not in a test: it exits if DEBUG is off and the settings are not for production.
application = import_string(settings.WSGI_APPLICATION)


@pytest.fixture
def server():
    server = make_server(application, host="127.0.0.1", port=0, map={})
    yield server
    server.task_dispatcher.shutdown()
    server.close()


@contextmanager
def connection(server):
    """A client's socket, and the server's channel to it."""
    address = ("127.0.0.1", server.effective_port)
    with socket.create_connection(address) as client:
        client.settimeout(1)
        server.handle_accept()
        (channel,) = server.active_channels.values()
        yield client, channel
        if channel.connected:
            channel.handle_close()


@pytest.mark.parametrize("line", [b"1;" + b"a" * 70_000, b"0\r\na: " + b"a" * 70_000])
def test_a_chunk_line_or_a_trailer_of_over_64_kb_is_refused(server, line):
    parser = Parser(server.adj)
    parser.received(CHUNKED)
    assert not parser.completed
    parser.received(line)
    assert parser.error_response is TOO_LARGE
    parser.close()


@pytest.mark.parametrize("target", [b"/%C3%A9?a", b"/%2F/healthz", b"/%2f%2f"])
def test_limits_are_those_of_the_path_that_django_sees(server, target):
    with connection(server) as (_, channel):
        parser = Parser(server.adj)
        parser.received(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        environ = WSGITask(channel, parser).get_environment()
    assert parser.django_path == WSGIRequest(environ).path_info


def test_a_path_that_is_not_utf_8_has_the_general_limit(server, settings):
    settings.MAX_BODY_SIZE = 4
    parser = Parser(server.adj)
    parser.received(CHUNKED.replace(b"/no", b"/%FF"))
    assert parser.body_limit == 4
    parser.received(b"0\r\n\r\n")
    parser.close()


def test_a_response_does_not_name_the_server(server):
    assert server.adj.ident is None


def test_an_error_ends_the_connection_s_requests_and_drops_what_follows(
    server, events, settings, monkeypatch
):
    settings.MAX_BODY_SIZE = 4
    monkeypatch.setattr(limits, "DISCARD_BYTES", 200)
    with connection(server) as (client, channel):
        channel.received(CHUNKED + b"5\r\nhello\r\n")
        assert channel.requests == []
        assert channel.readable()
        assert channel.received(GET)
        assert channel.requests == []
        channel.handle_write()
        assert client.recv(10_000) == TOO_LARGE.message
        assert not channel.has_stalled(channel.last_activity + 4)
        assert channel.has_stalled(channel.last_activity + 6)  # DISCARD_PAUSE_SECONDS
        assert not channel.will_close
        channel.received(b"x" * 200)
        assert channel.will_close
    assert [line["status"] for line in events() if "status" in line] == [413]


def test_a_busy_site_s_503_is_sent_and_the_connection_closed(server, settings):
    settings.MAX_QUEUED_REQUESTS = 0
    with connection(server) as (client, channel):
        channel.received(GET)
        assert channel.requests == []
        channel.handle_write()
        assert client.recv(10_000) == OVERLOADED.message
        channel.handle_write()
        assert client.recv(10_000) == b""


def test_a_503_ends_the_requests_that_are_pipelined_behind_it(server, settings):
    settings.MAX_QUEUED_REQUESTS = 0
    with connection(server) as (client, channel):
        channel.received(2 * GET)
        channel.handle_write()
        assert client.recv(10_000) == OVERLOADED.message


@pytest.mark.parametrize("seconds", [0, 5])
def test_with_a_full_disk_a_client_is_disconnected_if_it_has_read_nothing_for_a_second(
    server, monkeypatch, seconds
):
    with connection(server) as (_, channel):
        while not channel.unread_on_disk():
            channel.write_soon(PART)
        monkeypatch.setattr(waitress, "MAX_UNREAD_ON_DISK", channel.unread_on_disk() - 1)
        now = time.time()
        channel.last_activity = now - seconds
        server.maintenance(now)
        assert bool(channel.connected) == (seconds == 0)
        assert server.adj.outbuf_high_watermark == server.adj.outbuf_overflow
    server.maintenance(time.time())
    assert server.adj.outbuf_high_watermark == waitress.MAX_UNREAD


def test_a_thread_that_waits_for_a_full_disk_goes_on_once_there_is_room(server):
    with connection(server) as (_, channel):
        while not channel.unread_on_disk():
            channel.write_soon(PART)
        server.adj.outbuf_high_watermark = server.adj.outbuf_overflow  # as maintenance() sets it
        channel.last_activity = time.time()
        thread = threading.Thread(target=channel.write_soon, args=[PART], daemon=True)
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
        server.maintenance(time.time())
        thread.join(1)
        assert not thread.is_alive()


def test_with_a_full_disk_a_client_that_has_nothing_to_read_stays_connected(server, monkeypatch):
    monkeypatch.setattr(waitress, "MAX_UNREAD_ON_DISK", -1)
    with connection(server) as (_, channel):
        channel.last_activity = 0.0
        server.maintenance(200.0)  # adj.channel_timeout is later
        assert channel.connected


def test_a_long_response_to_a_client_that_reads_steadily_takes_little_memory(server):
    address = ("127.0.0.1", server.effective_port)
    with socket.create_connection(address) as client, client.makefile("rb") as response:
        server.handle_accept()
        (channel,) = server.active_channels.values()
        # The client is always a little behind, so no buffer is ever empty.
        while channel.total_outbufs_len < 10 * len(PART):
            channel.write_soon(PART)
        tracemalloc.start()
        for _ in range(400):
            assert response.read(len(PART)) == PART
            channel.write_soon(PART)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        channel.handle_close()
    assert peak < 5_000_000


def test_the_loop_does_not_wait_for_a_socket_to_which_a_thread_sends(server, monkeypatch):
    polled = []

    class Watched(Channel):
        def send(self, *args, **kwargs):
            polled.append(bool(self.writable()))
            return super().send(*args, **kwargs)

    monkeypatch.setattr(server, "channel_class", Watched)
    address = ("127.0.0.1", server.effective_port)
    with socket.create_connection(address) as client:
        server.handle_accept()
        (channel,) = server.active_channels.values()
        while not channel.total_outbufs_len:  # until the kernel takes no more
            channel.write_soon(PART)
        assert channel.writable()
        client.close()
        channel.handle_close()
    assert polled
    assert not any(polled)


def test_requests_that_wait_for_a_thread_log_one_line_per_interval(events, monkeypatch):
    logger = logging.getLogger("waitress.queue")
    for rate_limit in logger.filters:
        monkeypatch.setattr(rate_limit, "silent_until", 0.0)
    for depth in range(3):
        logger.warning("Task queue depth is %d", depth)
    assert len(events()) == 1
