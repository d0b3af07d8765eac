"""Our ASGI handler answers as Django's does; a request's synchronous code runs in one thread."""

import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from rehearse.raw import Raw, Response, get
from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.site import Site
from tests.harness.views import add_rows, counts, rows, unfinished
from tests.harness.waiting import wait_until

pytestmark = for_combinations([answers for answers in SERVERS if is_asgi(answers)])

# The commands of each server's documentation, for Django's own ASGI handler.
STOCK_COMMANDS = {
    "asgi-daphne": "daphne --bind 127.0.0.1 --port $PORT extra.stock:application",
    "asgi-uvicorn": "uvicorn --port $PORT --lifespan off extra.stock:application",
}
ONE_PROCESS = {"WEB_CONCURRENCY": "1"}
SYNC_ONLY, HYBRID = "extra.middleware.SyncOnly", "extra.middleware.hybrid"


@pytest.fixture(scope="module")
def stock(deployment, extra_views, project):
    """Django's own ASGI handler on an unmodified server."""
    site = deployment.site(**extra_views, **ONE_PROCESS, EXTRA_MIDDLEWARE=HYBRID)
    site.process.command = STOCK_COMMANDS[project.answers["server"]]
    with site:
        yield site


@pytest.fixture(scope="module")
def own_middleware(deployment, extra_views):
    """A site with a user's own middleware of every kind, and ATOMIC_REQUESTS."""
    middleware = f"{SYNC_ONLY} extra.middleware.async_only {HYBRID}"
    changes = {"EXTRA_MIDDLEWARE": middleware, "ATOMIC_REQUESTS": "yes"}
    with deployment.site(**extra_views, **ONE_PROCESS, **changes) as site:
        yield site


def get_many(site: Site, path: str, count: int) -> list[Response]:
    with ThreadPoolExecutor(12) as threads:
        return list(threads.map(get, [site] * count, [path] * count))


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


def test_it_answers_as_django_s_own_handler(extra_site, stock, database):
    add_rows(database, "compared", 300)
    ours, theirs = (
        {name: facts(site, *sent) for name, sent in SENT.items()} for site in (extra_site, stock)
    )
    assert ours == theirs
    # Part of Django's warning that it reads a whole stream before it responds.
    assert "synchronous iterators" not in extra_site.process.output()


# The stock handler's responses here depend on earlier requests, or are errors of its own.
NOT_COMPARED = ["slow-async/?name=counted", "fail-midway/", "fail-midway-async/"]


def wait_until_finished(site: Site) -> None:
    wait_until(lambda: unfinished(site) == 0, "request_finished of every request")


def test_signals_are_sent_once_for_each_request(extra_site):
    wait_until_finished(extra_site)
    for sent in (*SENT.values(), *(("GET", f"/extra/{path}") for path in NOT_COMPARED)):
        started = counts(extra_site)["started"]
        facts(extra_site, *sent)
        assert counts(extra_site)["started"] == started + 2, sent
        wait_until_finished(extra_site)


def test_synchronous_calls_of_an_asynchronous_view_share_a_thread_and_the_context(extra_site):
    expected = {"same": True, "on loop": False, "context": "/extra/threads/"}
    assert [one.json() for one in get_many(extra_site, "/extra/threads/", 24)] == [expected] * 24


def test_messages_are_shown_once(extra_site):
    with extra_site.visitor() as visitor:
        pages = [visitor.get("/extra/add-message/", follow_redirects=True).text]
        pages.append(visitor.get("/extra/messages/").text)
    assert pages == ["It is saved.", ""]


def test_a_row_locked_with_select_for_update_counts_every_request(extra_site, database):
    add_rows(database, "counter", 1)
    found = get_many(extra_site, "/extra/increment/?name=counter", 24)
    assert sorted(int(one.body) for one in found) == list(range(1, 25))


def test_streams_read_the_database_side_by_side(extra_site, database):
    add_rows(database, "streamed", 1000)
    found = get_many(extra_site, "/extra/rows-from-database/?name=streamed", 24)
    assert {one.body for one in found} == {b"".join(b"%d\n" % number for number in range(1000))}


@pytest.fixture
def in_transaction(services, project):
    """A function that counts the database's clients in state "idle in transaction"."""

    def count() -> int:
        query = "SELECT count(*) FROM pg_stat_activity WHERE state ~ 'in tra' AND datname = %s"
        with services.postgres.connect() as connection:
            return connection.execute(query, [project.database]).fetchone()[0]

    return count


def test_a_transaction_of_a_stream_is_its_own(extra_site, database, in_transaction):
    """What other requests write meanwhile is kept, although the stream rolls back."""
    with Raw(extra_site) as client:
        client.send("/extra/rows-in-transaction/?name=rolled-back")
        wait_until(in_transaction, "the transaction")
        for view in ("slow", "slow-async"):
            assert get(extra_site, f"/extra/{view}/?name=beside").status == 200
        assert client.read().body == b"".join(b"%d\n" % number for number in range(20))
    assert (rows(database, "beside"), rows(database, "rolled-back")) == (2, 0)


def test_clients_that_leave_in_the_midst_of_a_response_leave_nothing_behind(
    extra_site, in_transaction
):
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
    wait_until_finished(extra_site)
    assert {one.status for one in get_many(extra_site, "/", 10)} == {200}


def test_a_user_s_own_middleware_of_every_kind_is_run(own_middleware):
    for name, context in (
        ("context", Response.text),
        ("threads", lambda one: one.json()["context"]),
    ):
        path = f"/extra/{name}/"
        response = get(own_middleware, path)
        added = [response.headers[f"x-{kind}"] for kind in ("sync-only", "async-only", "hybrid")]
        assert (added, context(response)) == ([name, "yes", path], path)
    for path, kind in (("fail-lookup", "synchronous"), ("fail-lookup-async", "asynchronous")):
        found = get(own_middleware, f"/extra/{path}/")
        assert (found.status, found.text()) == (404, f"{kind} was not found.")


def test_a_request_that_fails_is_rolled_back_with_atomic_requests(own_middleware, database):
    assert get(own_middleware, "/extra/write-and-fail/?name=atomic-fails").status == 500
    assert get(own_middleware, "/extra/slow/?name=atomic").status == 200
    assert (rows(database, "atomic-fails"), rows(database, "atomic")) == (0, 1)


def test_a_warning_names_middleware_that_cannot_run_asynchronously(
    own_middleware, deployment, extra_views
):
    warnings = [one for one in own_middleware.process.events() if one["level"] == "warning"]
    assert any(SYNC_ONLY in json.dumps(event) for event in warnings)
    changes = extra_views | {"EXTRA_MIDDLEWARE": f"{SYNC_ONLY} {HYBRID}"}
    # The release runs this command, so the check must not fail it.
    command = "python manage.py check --deploy --fail-level WARNING"
    printed = deployment.run(command, deployment.environment | changes)
    assert (SYNC_ONLY in printed, HYBRID in printed) == (True, False)


HANDSHAKE = b"""GET %b HTTP/1.1
Host: %b
X-Forwarded-Proto: https
Connection: Upgrade
Upgrade: websocket
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==
%b

""".replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    ("path", "header"),
    [
        (b"/ws/presence/", b"Sec-WebSocket-Protocol: ticket.\x01\xff"),
        (b"/ws/presence/", b"Sec-WebSocket-Protocol: ticket.%ff"),
        (b"/ws/presence/", b"Sec-WebSocket-Protocol: ,,\x7f"),
        (b"/ws/presence/", b"Authorization: Ticket \x01\xff"),
        (b"/ws/presence/", b"Cookie: \xff=\xff; sessionid=\xff"),
        (b"/ws/presence/", b"Origin: https://\xff"),
        (b"/ws/presence/", b"Sec-WebSocket-Extensions: \xff; \xff=1"),
        (b"/ws/\xff/", b"A: b"),
        (b"/ws/%ff/?%ff", b"A: b"),
    ],
)
def test_a_handshake_of_other_characters_is_refused_without_a_traceback(
    extra_site, project, path, header
):
    is_daphne = project.answers["server"] == "asgi-daphne"
    if is_daphne and header.startswith(b"Sec-WebSocket-Protocol") and not header.isascii():
        pytest.skip("Daphne by itself answers 500")
    logged = len(extra_site.process.output())
    with Raw(extra_site) as client:
        client.socket.sendall(HANDSHAKE % (path, extra_site.platform.host.encode(), header))
        assert client.read().status in {400, 403}
    assert "Traceback" not in extra_site.process.output()[logged:]
