"""Redis as each platform has it: with a self-signed certificate, or with one that is verified. The
cache keeps to its share of the connections, and reconnects.
"""

import pytest

from rehearsal.combinations import SERVERS, for_combinations, is_asgi
from rehearsal.processes import CommandFailed
from rehearsal.waiting import wait_until

# One on each platform, which decides about the certificate.
ASGI = [answers for answers in SERVERS if is_asgi(answers)]
DIGITALOCEAN = [answers for answers in ASGI if answers["platform"] == "digitalocean"]
CACHE = """
from django.core.cache import cache
cache.set("greeting", "hello")
"""
LAYER = """
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
async_to_sync(get_channel_layer().send)("channel", {"type": "greeting"})
"""


@for_combinations(ASGI)
def test_heroku_s_self_signed_certificate_and_digitalocean_s_issued_one_are_accepted(
    deployment, project, services, visitor
):
    on_heroku = project.answers["platform"] == "heroku"
    port = services.self_signed_port if on_heroku else services.issued_port
    assert deployment.environment["REDIS_URL"] == services.valkey.url("rediss", port)
    deployment.run_script(CACHE + LAYER)
    ready = {"database": "ok", "redis": "ok"}
    wait_until(lambda: visitor.get("/readyz").json() == ready, "/readyz")


@pytest.fixture
def impostor(services) -> str:
    """The URL of a server that shows a self-signed certificate."""
    return services.valkey.url("rediss", services.self_signed_port)


@for_combinations(DIGITALOCEAN)
@pytest.mark.parametrize("script", [CACHE, LAYER], ids=["cache", "layer"])
def test_digitalocean_refuses_a_self_signed_certificate(deployment, impostor, script):
    with pytest.raises(CommandFailed, match="certificate verify failed"):
        deployment.run_script(script, REDIS_URL=impostor)


@for_combinations(DIGITALOCEAN)
def test_a_site_that_refuses_the_certificate_is_alive_but_not_ready(deployment, impostor):
    unready = {"database": "ok", "redis": "unreachable"}
    with deployment.site(REDIS_URL=impostor) as site, site.visitor() as visitor:
        wait_until(lambda: visitor.get("/readyz").json() == unready, "both answers of /readyz")
        assert visitor.get("/readyz").status_code == 503
        assert visitor.get("/healthz").status_code == 200


# The code of the cache is the same on every server and platform.
@for_combinations(ASGI[:1])
def test_the_cache_keeps_to_three_connections_however_many_use_it(deployment):
    script = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.conf import settings
from django.core.cache import cache
from redis import Redis

together = Barrier(20)

def use_it(number):
    together.wait(100)
    cache.set(number, "mine")
    found = cache.get(number)
    together.wait(100)
    return found

with ThreadPoolExecutor(20) as threads, Redis.from_url(settings.REDIS_URL) as client:
    print("found:", set(threads.map(use_it, range(20))))
    print("connections:", sum(other["db"] == "1" for other in client.client_list()))
"""
    printed = deployment.run_script(script)
    assert "found: {'mine'}" in printed
    assert "connections: 3\n" in printed


@for_combinations(ASGI[:1])
def test_the_cache_heals_by_itself_and_clearing_it_leaves_the_rest_of_redis_alone(deployment):
    # The pool checks a connection before it uses it, and finds its end once that has arrived.
    script = """
from select import select
from django.conf import settings
from django.core.cache import cache
from paas.redis import SharedPool
from redis import Redis

cache.set("greeting", "hello")
[pool] = SharedPool.pools.values()
with Redis.from_url(settings.REDIS_URL) as client:
    for other in client.client_list():
        if other["db"] == "1":
            print("killed:", client.client_kill_filter(_id=other["id"]))
    for connection in pool._connections:
        select([connection._sock], [], [], 100)
    print("cache:", cache.get("greeting"))
    client.set("job", "to do")
    cache.clear()
    print("cleared:", cache.get("greeting"), "job:", client.getdel("job"))
"""
    printed = deployment.run_script(script)
    assert "killed: 1" in printed
    assert "cache: hello" in printed
    assert "cleared: None job: b'to do'" in printed
