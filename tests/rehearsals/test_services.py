"""Services that restart, reject the site's password, or show another certificate."""

import re
import secrets
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from websockets import InvalidHandshake, InvalidStatus

from rehearse.processes import CommandFailed
from tests.harness.combinations import by_name, for_combinations, is_asgi
from tests.harness.site import SESSION_COOKIE
from tests.harness.sockets import open_socket
from tests.harness.waiting import wait_until

# Heroku splits longer lines.
LINE_LENGTH = 10_000
LAYER = """
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
async_to_sync(get_channel_layer().send)("channel", {"type": "greeting"})
"""

# Through a proxy that forgets its connections and leaves them open, as a NAT or a failover does.
SILENT_DROP = """
import asyncio
import time
from urllib.parse import urlsplit

from channels.layers import get_channel_layer
from django.conf import settings

url = urlsplit(settings.REDIS_URL)
passing = set()


async def pipe(reader, writer, key):
    while data := await reader.read(65536):
        if key not in passing:
            await asyncio.Event().wait()
        writer.write(data)


async def client(reader, writer):
    passing.add(writer)
    server_reader, server_writer = await asyncio.open_connection(url.hostname, url.port)
    await asyncio.gather(pipe(reader, server_writer, writer), pipe(server_reader, writer, writer))


async def main():
    proxy = await asyncio.start_server(client, "127.0.0.1")
    port = proxy.sockets[0].getsockname()[1]
    settings.REDIS_URL = settings.REDIS_URL.replace(f":{url.port}", f":{port}")
    layer = get_channel_layer()
    channel = await layer.new_channel()
    listening = asyncio.create_task(layer.receive(channel))
    await layer.group_add("room", channel)
    await layer.group_send("room", {"type": "before"})
    assert (await listening)["type"] == "before"
    assert len(passing) == 2
    passing.clear()
    listening, began = asyncio.create_task(layer.receive(channel)), time.monotonic()
    while not listening.done():
        await layer.group_send("room", {"type": "after"})
        await asyncio.wait({listening}, timeout=1)
    print("received after", time.monotonic() - began)
    listening = asyncio.create_task(layer.receive(channel))
    await layer.send(channel, {"type": "direct"})
    while (await listening)["type"] != "direct":
        listening = asyncio.create_task(layer.receive(channel))
    await asyncio.sleep(20)
    assert len(passing) == 2


asyncio.run(main())
"""


def test_no_visitor_notices_a_restart_of_postgresql_between_two_visits(
    site, services, project, visitor, hold_up, held_up
):
    visitor.sign_up("between_two_visits")
    with ThreadPoolExecutor(12) as many:
        with hold_up("users_user"):
            pages = many.map(visitor.get, ["/"] * 12)
            wait_until(lambda: held_up() > 2, "pages at once")
        assert {page.status_code for page in pages} == {200}
    assert services.postgres.connections(project.database) > 2
    services.postgres.stop()
    services.postgres.start()
    assert {visitor.get("/").status_code for _ in range(10)} == {200}


# Each process has the same two connections of the channel layer.
@for_combinations(by_name("heroku-asgi-uvicorn"))
def test_the_first_socket_after_a_restart_of_redis_is_served(site, visitor, services):
    visitor.sign_up("first_after_redis")

    def is_served() -> bool:
        open_socket(site, visitor).close()  # makes connections, which the restart closes
        services.valkey.stop()
        services.valkey.start()
        with suppress(InvalidStatus), open_socket(site, visitor):
            return True
        return False

    # Without the retry in paas/asgi/channel_layer.py three of ten are; with it channels_redis now and
    # then closes a connection that a socket has just opened.
    assert sum(is_served() for _ in range(10)) >= 8


@for_combinations(by_name("heroku-asgi-uvicorn", "digitalocean-asgi-daphne-use_celery"))
def test_channel_layer_recovers_from_a_silently_dropped_connection(deployment):
    printed = deployment.run_script(SILENT_DROP)
    assert float(re.search(r"received after ([\d.]+)", printed)[1]) < 60
    assert printed.count("Redis sent no answer on the channel layer's connection") == 1


@pytest.fixture
def wrong_password() -> str:
    return secrets.token_hex(8)


@pytest.fixture
def rejected_site(deployment, wrong_password):
    """A site with wrong passwords for its services, and a SENTRY_DSN whose server never answers."""
    changes = {
        name: re.sub(":[^:@]+@", f":{wrong_password}@", deployment.environment[name])
        for name in {"DATABASE_URL", "REDIS_URL"} & set(deployment.environment)
    }
    with socket.create_server(("127.0.0.1", 0)) as silent:
        changes["SENTRY_DSN"] = f"http://key@127.0.0.1:{silent.getsockname()[1]}/1"
        with deployment.site(**changes) as site:
            yield site


def test_no_password_is_logged_while_the_database_and_redis_reject_it(
    rejected_site, wrong_password, project
):
    site, has_sockets = rejected_site, is_asgi(project.answers)
    # With a pool the request gets no connection in time.
    pooled = project.answers["server"] == "wsgi-gunicorn"
    with site.visitor() as visitor, ThreadPoolExecutor() as threads:
        visitor.cookies[SESSION_COOKIE] = "that0the0database0has0to0look0up"
        page = threads.submit(visitor.get, "/")  # a pool makes each wait ten seconds
        for who in (visitor, None) if has_sockets else ():
            with pytest.raises(InvalidHandshake):
                open_socket(site, who, open_timeout=120)
        assert visitor.get("/readyz").status_code == 503
        assert page.result().status_code == (503 if pooled else 500)
    site.process.stop()
    # This includes sentry_sdk's lines on reports that it could not send.
    found = site.events()
    if has_sockets:
        assert any(event["event"] == "Redis is unavailable" for event in found)
    assert any(
        event["event"] == "no database connection" or "exception" in event for event in found
    )
    assert max(map(len, site.process.output().splitlines())) < LINE_LENGTH
    assert wrong_password not in site.process.output()


@for_combinations(by_name("digitalocean-asgi-daphne-use_celery"))
def test_digitalocean_s_redis_needs_a_certificate_that_is_verified(deployment, services):
    impostor = services.valkey.url("rediss", services.self_signed_port)
    with pytest.raises(CommandFailed, match="certificate verify failed"):
        deployment.run_script(LAYER, REDIS_URL=impostor)
    unready = {"database": "ok", "redis": "unreachable"}
    with deployment.site(REDIS_URL=impostor) as site, site.visitor() as visitor:
        wait_until(lambda: visitor.get("/readyz").json() == unready, "both answers of /readyz")
        assert visitor.get("/readyz").status_code == 503
        assert visitor.get("/healthz").status_code == 200
