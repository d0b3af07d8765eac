"""Our ASGI handler answers as Django's does, on each ASGI server."""

import hashlib
import re
from contextlib import ExitStack

import httpx
import pytest

from rehearse.raw import Raw
from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.site import Site
from tests.harness.views import add_rows, counts, get, rows
from tests.harness.waiting import wait_until

pytestmark = for_combinations([answers for answers in SERVERS if is_asgi(answers)])

# The commands of each server's documentation, for Django's own ASGI handler, at every address.
STOCK_COMMANDS = {
    "asgi-daphne": "daphne --bind 0.0.0.0 --port $PORT extra.stock:application",
    "asgi-uvicorn": "uvicorn --host 0.0.0.0 --port $PORT --lifespan off extra.stock:application",
}
HYBRID = "extra.middleware.hybrid"
# A user's own middleware of every kind.
MIDDLEWARE = f"extra.middleware.SyncOnly extra.middleware.async_only {HYBRID}"


# Requests to compare: method, path, and httpx' arguments.
SENT: dict[str, tuple] = {
    "page": ("GET", "/"),
    "form": ("GET", "/accounts/login/"),
    "form without a token": ("POST", "/accounts/login/", {"data": {"username": "someone"}}),
    "no page": ("GET", "/nowhere/"),
    "no name": ("GET", "/%ff/"),
    "no slash": ("GET", "/extra/wait"),
    "plain HTTP": ("GET", "/", {"headers": {"X-Forwarded-Proto": "http"}}),
    "foreign host": ("GET", "/", {"headers": {"Host": "example.com"}}),
    "static file": ("GET", "/static/favicon.svg"),
    "no static file": ("GET", "/static/nothing.css"),
    "head": ("HEAD", "/extra/big/"),
    "head of a file": ("HEAD", "/extra/file/"),
    "head of a stream": ("HEAD", "/extra/rows/"),
    "big": ("GET", "/extra/big/"),
    "file": ("GET", "/extra/file/"),
    "stream": ("GET", "/extra/rows/"),
    "stream from the database": ("GET", "/extra/rows-from-database/?name=compared"),
    "asynchronous stream": ("GET", "/extra/download-async/?seconds=0.5"),
    "body": ("POST", "/extra/echo/", {"content": b"0123456789" * 100_000}),
    "no body": ("POST", "/extra/echo/"),
    "chunked body": ("POST", "/extra/echo/", {"content": [b"one", b"two"]}),
    "other method": ("PATCH", "/extra/echo/", {"content": b"0123456789"}),
    "text": ("POST", "/extra/form/", {"data": {"text": "a" * 100_000}}),
    "upload": ("POST", "/extra/form/", {"files": {"file": b"a" * 3_000_000}}),
    "context": ("GET", "/extra/context/"),
    "threads": ("GET", "/extra/threads/"),
    "asynchronous view": ("GET", "/extra/wait/?seconds=0.2"),
    "error": ("GET", "/extra/fail/"),
    "asynchronous error": ("GET", "/extra/fail-async/"),
}
SERVER_HEADERS = {"date", "expires", "server", "connection", "x-request-id"}
# Parts of a response that are random or depend on the time.
RANDOM_PARTS = re.compile(
    rb"""nonce(-|=")[\w+/=-]+|(?<=csrfmiddlewaretoken" value=")\w+|(?<=token=)\w+|expires=[^;]+"""
)


def facts(site: Site, method: str, path: str, options: dict | None = None) -> list:
    """Status, headers and body of the response, or the error that ends the connection."""
    with site.visitor() as visitor:
        visitor.timeout = httpx.Timeout(120)
        try:
            response = visitor.request(method, path, **options or {})
        except httpx.TransportError as error:
            return [type(error).__name__]
    headers = sorted(
        (name, RANDOM_PARTS.sub(b"", value.encode()))
        for name, value in response.headers.multi_items()
        if name not in SERVER_HEADERS
    )
    body = response.content
    if len(body) < 100_000:
        body = RANDOM_PARTS.sub(b"", body)
    return [response.status_code, headers, hashlib.sha256(body).hexdigest(), body[:500]]


def test_responses_equal_those_of_django_s_own_handler(
    extra_site, deployment, extra_views, project, database
):
    add_rows(database, "compared", 300)
    stock = deployment.site(**extra_views, WEB_CONCURRENCY="1", EXTRA_MIDDLEWARE=HYBRID)
    stock.process.command = STOCK_COMMANDS[project.answers["server"]]
    with stock:
        ours, theirs = (
            {name: facts(site, *sent) for name, sent in SENT.items()}
            for site in (extra_site, stock)
        )
    assert ours == theirs
    # Part of Django's warning that it reads a whole stream before it responds.
    assert "synchronous iterators" not in extra_site.process.output()


@pytest.fixture
def in_transaction(services, project):
    """A function that counts the database's clients in state "idle in transaction"."""

    def count() -> int:
        query = "SELECT count(*) FROM pg_stat_activity WHERE state ~ 'in tra' AND datname = %s"
        with services.postgres.connect() as connection:
            return connection.execute(query, [project.database]).fetchone()[0]

    return count


def test_transaction_of_a_stream_is_its_own(extra_site, database, in_transaction):
    """What other requests write meanwhile is kept, although the stream rolls back."""
    with Raw(extra_site) as client:
        client.send("/extra/rows-in-transaction/?name=rolled-back")
        wait_until(in_transaction, "the transaction")
        for view in ("slow", "slow-async"):
            assert get(extra_site, f"/extra/{view}/?name=beside").status == 200
        assert client.read().body == b"".join(b"%d\n" % number for number in range(20))
    assert (rows(database, "beside"), rows(database, "rolled-back")) == (2, 0)


def test_streams_end_when_their_clients_disconnect(extra_site, in_transaction):
    with ExitStack() as stack:
        for path in (
            "rows-in-transaction/?name=left",
            "events/",
            "file/",
            "download-async/?seconds=9",
            "endless-async/",
        ):
            for client in [stack.enter_context(Raw(extra_site, 4096)) for _ in range(2)]:
                client.send(f"/extra/{path}")
        wait_until(in_transaction, "a transaction")
        wait_until(lambda: counts(extra_site).get("streams open") == 2, "two streams")
    wait_until(lambda: counts(extra_site)["streams open"] == 0, "the end of every stream")
    wait_until(lambda: in_transaction() == 0, "the end of every transaction")
    assert get(extra_site, "/").status == 200


def test_own_middleware_of_every_kind_and_atomic_requests_work(deployment, extra_views, database):
    changes = {"EXTRA_MIDDLEWARE": MIDDLEWARE, "ATOMIC_REQUESTS": "yes"}
    with deployment.site(**extra_views, **changes) as site:
        assert "extra.middleware.SyncOnly" in site.process.output()  # a warning
        for name in ("context", "threads"):
            path = f"/extra/{name}/"
            response = get(site, path)
            added = [
                response.headers[f"x-{kind}"] for kind in ("sync-only", "async-only", "hybrid")
            ]
            assert added == [name, "yes", path]
            assert path in response.body.decode()
        for path, kind in (("fail-lookup", "synchronous"), ("fail-lookup-async", "asynchronous")):
            found = get(site, f"/extra/{path}/")
            assert (found.status, found.body.decode()) == (404, f"{kind} was not found.")
        assert get(site, "/extra/write-and-fail/?name=atomic-fails").status == 500
        assert get(site, "/extra/slow/?name=atomic").status == 200
    assert (rows(database, "atomic-fails"), rows(database, "atomic")) == (0, 1)


HANDSHAKE = b"""GET %b HTTP/1.1
Host: %b
X-Forwarded-Proto: https
Connection: Upgrade
Upgrade: websocket
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==
%b

""".replace(b"\n", b"\r\n")


# A path, and a header.
MALFORMED = [
    (b"/ws/presence/", b"Sec-WebSocket-Protocol: ticket.%ff"),
    (b"/ws/presence/", b"Cookie: \xff=\xff; sessionid=\xff"),
    (b"/ws/presence/", b"Origin: https://\xff"),
    (b"/ws/presence/", b"Sec-WebSocket-Extensions: \xff; \xff=1"),
    (b"/ws/%ff/?%ff", b"A: b"),
]


def test_malformed_handshakes_are_rejected_without_a_traceback(extra_site):
    logged = len(extra_site.process.output())
    for path, header in MALFORMED:
        with Raw(extra_site) as client:
            client.socket.sendall(HANDSHAKE % (path, extra_site.platform.host.encode(), header))
            assert client.read().status in {400, 403}, header
    assert "Traceback" not in extra_site.process.output()[logged:]
