"""Waitress: the memory that a response takes, and log lines of waiting requests."""

import logging
import socket
import tracemalloc

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from paas.servers.waitress import make_server
from paas.servers.waitress_channel import Channel

PART = b"x" * 50_000
# Imported here and not in a test: it exits if DEBUG is off and the settings are not for production.
application = import_string(settings.WSGI_APPLICATION)


@pytest.fixture
def server():
    server = make_server(application, host="127.0.0.1", port=0, map={})
    yield server
    server.task_dispatcher.shutdown()
    server.close()


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
