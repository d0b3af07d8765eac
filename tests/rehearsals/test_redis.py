"""Redis as each platform has it: with a self-signed certificate, or with one to be verified. The
cache keeps to its share of the connections, and heals.
"""

from dataclasses import replace

import pytest

from rehearsal.combinations import ASGI, SERVERS, for_combinations, is_asgi
from rehearsal.processes import CommandFailed

DIGITALOCEAN = [answers for answers in ASGI if answers["platform"] == "digitalocean"]

CACHE = """
from django.core.cache import cache
cache.set("greeting", "hello")
print("cache:", cache.get("greeting"))
"""
LAYER = """
import asyncio
from channels.layers import get_channel_layer

async def converse():
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add("everyone", channel)
    await layer.group_send("everyone", {"type": "greeting", "text": "hello"})
    print("layer:", (await asyncio.wait_for(layer.receive(channel), 10))["text"])
    await layer.flush()

asyncio.run(converse())
"""


@for_combinations(ASGI)
def test_heroku_s_self_signed_certificate_and_digitalocean_s_issued_one_are_accepted(
    deployment, project, services, visitor
):
    on_heroku = project.answers["platform"] == "heroku"
    port = services.self_signed_port if on_heroku else services.issued_port
    assert deployment.environment["REDIS_URL"] == services.valkey.url("rediss", port)
    assert "cache: hello" in deployment.run_script(CACHE)
    assert "layer: hello" in deployment.run_script(LAYER)
    readiness = visitor.get_with_retries("/readyz")
    assert (readiness.status_code, readiness.json()["redis"]) == (200, "ok")


@pytest.fixture
def impostor(services) -> str:
    """The URL of a server that shows a self-signed certificate."""
    return services.valkey.url("rediss", services.self_signed_port)


@for_combinations(DIGITALOCEAN)
@pytest.mark.parametrize("script", [CACHE, LAYER], ids=["cache", "layer"])
def test_digitalocean_refuses_a_self_signed_certificate(deployment, impostor, script):
    misled = replace(deployment, environment=deployment.environment | {"REDIS_URL": impostor})
    with pytest.raises(CommandFailed, match="certificate verify failed"):
        misled.run_script(script)


@for_combinations(DIGITALOCEAN)
def test_a_site_that_refuses_the_certificate_is_alive_but_not_ready(deployment, impostor):
    with deployment.site(REDIS_URL=impostor) as site, site.visitor() as visitor:
        readiness = visitor.get("/readyz")
        assert readiness.status_code == 503
        assert readiness.json() == {"database": "ok", "redis": "unreachable"}
        assert visitor.get("/healthz").status_code == 200


@for_combinations([*filter(is_asgi, SERVERS)])
def test_the_cache_keeps_to_three_connections_however_many_use_it(deployment):
    script = """
import threading
from django.conf import settings
from django.core.cache import cache
from redis import Redis

AT_ONCE = 20
together = threading.Barrier(AT_ONCE + 1)

def use_it(number):
    together.wait(10)
    for _ in range(10):
        cache.set(number, "mine")
        assert cache.get(number) == "mine"
    together.wait(30)
    together.wait(30)

for number in range(AT_ONCE):
    threading.Thread(target=use_it, args=[number], daemon=True).start()
together.wait(10)
together.wait(30)
with Redis.from_url(settings.REDIS_URL) as client:
    print("connections:", sum(other["db"] == "1" for other in client.client_list()))
together.wait(30)
"""
    assert "connections: 3\n" in deployment.run_script(script)


@for_combinations([*filter(is_asgi, SERVERS)])
def test_the_cache_heals_by_itself_when_its_connection_has_died(deployment):
    script = """
import time
from django.conf import settings
from django.core.cache import cache
from redis import Redis

cache.set("greeting", "hello")
with Redis.from_url(settings.REDIS_URL) as client:
    for other in client.client_list():
        if other["db"] == "1":
            print("killed:", client.client_kill_filter(_id=other["id"]))
time.sleep(0.5)
print("cache:", cache.get("greeting"))
"""
    printed = deployment.run_script(script)
    assert "killed: 1" in printed
    assert "cache: hello" in printed


@for_combinations([*filter(is_asgi, SERVERS)])
def test_clearing_the_cache_leaves_the_rest_of_redis_alone(deployment):
    script = """
from django.conf import settings
from django.core.cache import cache
from redis import Redis

with Redis.from_url(settings.REDIS_URL) as client:
    client.set("job", "to do")
    cache.set("greeting", "hello")
    cache.clear()
    print("cache:", cache.get("greeting"), "job:", client.getdel("job"))
"""
    assert "cache: None job: b'to do'" in deployment.run_script(script)
