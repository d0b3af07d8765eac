"""What a site logs while services are unavailable: no password, and few repeated lines."""

import itertools
import re
import secrets
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from websockets import InvalidHandshake

from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.site import SESSION_COOKIE, Site
from tests.harness.sockets import open_socket
from tests.harness.waiting import wait_until

# A little less than the interval of a repeated line in paas/logs.py, as clocks differ.
SECONDS_BETWEEN = 9
# Heroku splits longer lines.
LINE_LENGTH = 10_000


def events(site: Site, logger: str, count: int) -> list[dict]:
    """The logger's events, once there are so many."""

    def found() -> list[dict]:
        return [event for event in site.process.events() if event["logger"] == logger]

    wait_until(lambda: len(found()) >= count, f"{count} lines of {logger}")
    return found()


@pytest.fixture
def wrong_password() -> str:
    return secrets.token_hex(8)


@pytest.fixture
def refused_site(deployment, wrong_password):
    """A site with wrong passwords for its services, and a SENTRY_DSN whose server never answers."""
    changes = {
        name: re.sub(":[^:@]+@", f":{wrong_password}@", deployment.environment[name])
        for name in {"DATABASE_URL", "REDIS_URL"} & set(deployment.environment)
    }
    with socket.create_server(("127.0.0.1", 0)) as silent:
        changes["SENTRY_DSN"] = f"http://key@127.0.0.1:{silent.getsockname()[1]}/1"
        with deployment.site(**changes) as site:
            yield site


def test_no_password_is_logged_while_the_database_and_redis_refuse_it(
    refused_site, wrong_password, project
):
    site, has_sockets = refused_site, is_asgi(project.answers)
    with site.visitor() as visitor, ThreadPoolExecutor() as threads:
        visitor.cookies[SESSION_COOKIE] = "that0the0database0has0to0look0up"
        page = threads.submit(visitor.get, "/")  # a pool makes each wait ten seconds
        for who in (visitor, None) if has_sockets else ():
            with pytest.raises(InvalidHandshake):
                open_socket(site, who, open_timeout=120)
        assert visitor.get("/readyz").status_code == 503
        # With a pool the request got no connection in time.
        pooled = project.answers["server"] == "wsgi-gunicorn"
        assert page.result().status_code == (503 if pooled else 500)
    unready = events(site, "paas.site.health", 1)[-1]
    assert unready["database"] in ("unreachable", "no answer in time")
    if has_sockets:
        lines = events(site, "paas.asgi.websockets", 4)
        logged = {(line["event"], line["level"]) for line in lines}
        assert {("Redis is unavailable", "warning"), ("Internal Server Error", "error")} <= logged
    site.process.stop()
    # This includes sentry_sdk's lines on reports that it could not send.
    found = site.process.events()
    if pooled:
        assert any(event["event"] == "no database connection" for event in found)
    else:
        assert any("exception" in event for event in found)
    assert max(map(len, site.process.output().splitlines())) < LINE_LENGTH
    assert wrong_password not in site.process.output()


@for_combinations([*filter(is_asgi, SERVERS)])
def test_repeated_log_lines_are_rate_limited(deployment, services):
    with deployment.site() as site:
        with site.visitor() as visitor:
            visitor.sign_up("waiter")
            with open_socket(site, visitor):
                services.valkey.stop()
                try:
                    events(site, "channels_redis.pubsub", 1)
                    time.sleep(3)  # it tries again all the time
                finally:
                    services.valkey.start()
        lines = events(site, "channels_redis.pubsub", 1)
    moments = [datetime.fromisoformat(line["timestamp"]).timestamp() for line in lines]
    assert all(later - sooner > SECONDS_BETWEEN for sooner, later in itertools.pairwise(moments))
    for line in lines:
        assert line["level"] == "warning"
        assert not {"exception", "request_id"} & set(line)
