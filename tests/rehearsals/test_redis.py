"""Redis as each platform has it: with a self-signed certificate, or with one that is verified."""

import pytest

from rehearse.processes import CommandFailed
from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.waiting import wait_until

# One on each platform, which decides about the certificate.
ASGI = [answers for answers in SERVERS if is_asgi(answers)]
DIGITALOCEAN = [answers for answers in ASGI if answers["platform"] == "digitalocean"]
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
    deployment.run_script(LAYER)
    ready = {"database": "ok", "redis": "ok"}
    wait_until(lambda: visitor.get("/readyz").json() == ready, "/readyz")


@pytest.fixture
def impostor(services) -> str:
    """The URL of a server that shows a self-signed certificate."""
    return services.valkey.url("rediss", services.self_signed_port)


@for_combinations(DIGITALOCEAN)
def test_digitalocean_refuses_a_self_signed_certificate(deployment, impostor):
    with pytest.raises(CommandFailed, match="certificate verify failed"):
        deployment.run_script(LAYER, REDIS_URL=impostor)


@for_combinations(DIGITALOCEAN)
def test_a_site_that_refuses_the_certificate_is_alive_but_not_ready(deployment, impostor):
    unready = {"database": "ok", "redis": "unreachable"}
    with deployment.site(REDIS_URL=impostor) as site, site.visitor() as visitor:
        wait_until(lambda: visitor.get("/readyz").json() == unready, "both answers of /readyz")
        assert visitor.get("/readyz").status_code == 503
        assert visitor.get("/healthz").status_code == 200
