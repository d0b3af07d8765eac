"""Clients that send no request, or a part of one, are disconnected after a while."""

import selectors
import socket
import time
from contextlib import ExitStack

import pytest

from rehearsal.combinations import SERVERS, for_combinations
from rehearsal.site import Site

pytestmark = for_combinations(SERVERS)

SECONDS = 3
# What takes a server up to 95 seconds takes SECONDS here: its settings, or its module's constant.
KEEP_ALIVE = {"GUNICORN_CMD_ARGS": f"--keep-alive {SECONDS}"}
CONSTANTS = {
    "asgi-daphne": "paas.servers.daphne_channel.KEEP_ALIVE_SECONDS",
    "wsgi-gunicorn": "paas.servers.gunicorn_wsgi.REQUEST_TIMEOUT",
    "wsgi-waitress": "paas.servers.waitress_channel.RECEIVE_TIMEOUT",
}
# Which of SENT a server has that timeout for.
DISCONNECTED = {
    "asgi-daphne": {"nothing", "a part of a head", "a part of a body"},
    "asgi-gunicorn": {"nothing", "a part of a head"},
    "wsgi-gunicorn": {"a part of a head", "a part of a body"},
    "wsgi-waitress": {"a part of a head", "a part of a body"},
}
SENT = {
    "nothing": "",
    "a part of a head": "GET / HTTP/1.1\r\nHost: {host}\r\n",
    "a part of a body": "POST /accounts/login/ HTTP/1.1\r\nHost: {host}\r\n"
    "X-Forwarded-Proto: https\r\nContent-Length: 100\r\n\r\nusername=",
}


@pytest.fixture
def server(project) -> str:
    return project.answers["server"]


@pytest.fixture
def impatient(deployment, server, tmp_path):
    lines = ["from config.settings import *"]
    if constant := CONSTANTS.get(server):
        lines += [f"import {constant.rpartition('.')[0]}", f"{constant} = {SECONDS}"]
    (tmp_path / "impatient_settings.py").write_text("\n".join(lines))
    changes = {"DJANGO_SETTINGS_MODULE": "impatient_settings", "PYTHONPATH": str(tmp_path)}
    if server == "asgi-gunicorn":
        changes |= KEEP_ALIVE
    with deployment.site(**changes) as site, site.visitor() as visitor:
        visitor.get("/")
        yield site


def disconnected(site: Site, wanted: set[str], seconds: float) -> dict[str, float]:
    """After how many seconds each of these clients was disconnected, if within ``seconds``."""
    found: dict[str, float] = {}
    with ExitStack() as stack:
        waiting = stack.enter_context(selectors.DefaultSelector())
        for name in wanted:
            client = stack.enter_context(socket.create_connection(("127.0.0.1", site.port)))
            client.sendall(SENT[name].format(host=site.platform.host).encode())
            waiting.register(client, selectors.EVENT_READ, (name, client))
        started = time.monotonic()
        while wanted - set(found) and time.monotonic() < started + seconds:
            for key, _ in waiting.select(0.1):
                name, client = key.data
                # A server may say 408 before it closes.
                if not client.recv(65536):
                    found[name] = time.monotonic() - started
                    waiting.unregister(client)
    return found


def test_clients_that_stop_sending_are_disconnected(impatient, server):
    found = disconnected(impatient, DISCONNECTED[server], 3 * SECONDS)
    assert set(found) == DISCONNECTED[server]
    assert min(found.values()) > SECONDS - 1
    levels = {event["level"] for event in impatient.process.events()}
    assert levels <= {"info", "warning"}, impatient.process.output()
