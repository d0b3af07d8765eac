"""Requests under ASGI behave as with Django's own handler, also after disconnects and errors."""

import asyncio
import hashlib
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from rehearsal.combinations import SERVERS, for_combinations, is_asgi
from rehearsal.load import Answer, Outcome
from rehearsal.site import Site
from rehearsal.views import FILE_SIZE, add_rows, rows

ASGI = [answers for answers in SERVERS if is_asgi(answers)]
pytestmark = for_combinations(ASGI)

# How Django's own handler is served by these servers' documentation.
STOCK_COMMANDS = {
    "asgi-daphne": "daphne --bind 127.0.0.1 --port $PORT extra.stock:application",
    "asgi-gunicorn": "gunicorn --config /dev/null --worker-class asgi extra.stock:application",
}
ONE_PROCESS = {"WEB_CONCURRENCY": "1"}
HYBRID = {"EXTRA_MIDDLEWARE": "extra.middleware.hybrid"}
USERS_OWN = ["SyncOnly", "async_only", "hybrid"]
# Longer than anything here takes, even where others keep the machine busy.
PATIENCE_SECONDS = 10


@pytest.fixture(scope="module")
def views(deployment, extra_views):
    """A site of one process, with the project's handler."""
    with deployment.site(**extra_views, **ONE_PROCESS, **HYBRID) as site:
        yield site


@pytest.fixture(scope="module")
def stock(deployment, extra_views, project):
    """The same with Django's handler, on the server as it comes."""
    site = deployment.site(**extra_views, **ONE_PROCESS, **HYBRID)
    site.process.command = STOCK_COMMANDS[project.answers["server"]]
    with site:
        yield site


@pytest.fixture(scope="module")
def users_own(deployment, extra_views):
    """A site with a user's own middleware of every kind, and ATOMIC_REQUESTS."""
    middleware = " ".join(f"extra.middleware.{name}" for name in USERS_OWN)
    changes = {"EXTRA_MIDDLEWARE": middleware, "ATOMIC_REQUESTS": "yes"}
    with deployment.site(**extra_views, **ONE_PROCESS, **changes) as site:
        yield site


@pytest.fixture
def database(services, project) -> str:
    return services.postgres.url(project.database)


def wait_until(is_true, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_true():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.05)


def get(site: Site, path: str) -> httpx.Response:
    with site.visitor() as visitor:
        return visitor.get(path)


def counts(site: Site) -> dict[str, int]:
    return get(site, "/extra/counts/").json()


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
    "asynchronous stream": ("GET", "/extra/download-async/?seconds=1"),
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


def response_facts(site: Site, method: str, path: str, options: dict | None = None) -> list:
    """Status, headers and body of the response, or the error that ends the connection."""
    with site.visitor() as visitor:
        visitor.timeout = httpx.Timeout(5)
        try:
            response = visitor.request(method, path, **options or {})
        except httpx.TransportError as error:
            return [type(error).__name__]
    headers = sorted(
        (name, RANDOM_PARTS.sub(b"", value.encode()))
        for name, value in response.headers.multi_items()
        if name not in SERVER_HEADERS
    )
    body = (
        RANDOM_PARTS.sub(b"", response.content)
        if len(response.content) < 100_000
        else response.content
    )
    return [response.status_code, headers, hashlib.sha256(body).hexdigest(), body[:500]]


@pytest.mark.parametrize("sent", SENT)
def test_it_answers_as_django_s_own_handler(views, stock, database, sent):
    if rows(database, "compared") == 0:
        add_rows(database, "compared", 300)
    assert response_facts(views, *SENT[sent]) == response_facts(stock, *SENT[sent])


def test_a_large_file_arrives_whole_and_takes_no_memory(views, deployment, report):
    file = deployment.platform.folder / "extra/fifty_megabytes"
    before, most, digest = views.process.memory(), 0.0, hashlib.sha256()
    with views.visitor() as visitor, visitor.stream("GET", "/extra/file/") as response:
        for number, piece in enumerate(response.iter_raw()):
            digest.update(piece)
            if number % 50 == 0:
                most = max(most, views.process.memory())
    assert digest.digest() == hashlib.sha256(file.read_bytes()).digest()
    report("file of 50 MB, most memory MB", round(most - before))
    assert most - before < FILE_SIZE / 1e6 / 2
    assert "synchronous iterators" not in views.process.output()


@pytest.mark.parametrize("path", ["fail", "fail-async", "fail-midway", "fail-midway-async"])
def test_an_error_is_logged_and_costs_one_request(views, path):
    async def ask() -> tuple[list[Answer], Answer]:
        clients, other = [views.client(seconds=10) for _ in range(8)], views.client()
        going_on = asyncio.create_task(other.get("/extra/download/?seconds=1"))
        await asyncio.sleep(0.3)
        failed = await asyncio.gather(*(client.get(f"/extra/{path}/") for client in clients))
        return failed, await going_on

    failed, other = asyncio.run(ask())
    if "midway" in path:
        # What was sent last may be lost with the connection.
        assert {answer.outcome for answer in failed} <= {Outcome.CUT_OFF, Outcome.CLOSED}
    else:
        assert {(answer.outcome, answer.status) for answer in failed} == {(Outcome.COMPLETE, 500)}
    assert (other.outcome, len(other.body)) == (Outcome.COMPLETE, 4 * 65536)
    assert get(views, "/").status_code == 200
    word = {"fail": "a synchronous view", "fail-async": "an asynchronous view"}
    word |= {"fail-midway": "a generator", "fail-midway-async": "an asynchronous generator"}
    logged = [event for event in views.process.events() if event["level"] == "error"]
    assert any(f"{word[path]} that fails" in json.dumps(event) for event in logged)


KINDS = [
    "/",
    "/nowhere/",
    "/static/favicon.svg",
    "/extra/slow/?name=counted",
    "/extra/slow-async/?name=counted",
    "/extra/rows/",
    "/extra/download-async/?seconds=1",
    "/extra/file/",
    "/extra/fail/",
    "/extra/fail-async/",
    "/extra/fail-midway/",
    "/extra/fail-midway-async/",
]


def unfinished(site: Site) -> int:
    """How many requests have started and not finished, apart from the one that asks."""
    found = counts(site)
    return found["started"] - found["finished"] - 1


def settled(site: Site) -> int:
    """How many requests have not finished, once that stays the same for a while.

    Not 0: the receivers that count are connected in the midst of the first request.
    """
    found, before = unfinished(site), None
    while found != before:
        time.sleep(0.3)
        found, before = unfinished(site), found
    return found


@pytest.mark.parametrize("path", KINDS)
def test_signals_are_sent_once_for_each_request(views, path):
    before, started = settled(views), counts(views)["started"]
    response_facts(views, "GET", path)
    assert counts(views)["started"] == started + 2
    wait_until(lambda: settled(views) == before, "request_finished")


def test_synchronous_calls_of_an_asynchronous_view_share_a_thread_and_the_context(views):
    expected = {"same": True, "on loop": False, "context": "/extra/threads/"}
    with ThreadPoolExecutor(12) as many:
        found = [answer.json() for answer in many.map(get, [views] * 48, ["/extra/threads/"] * 48)]
    assert found == [expected] * 48


def test_messages_are_shown_once(views):
    with views.visitor() as visitor:
        pages = [visitor.get("/extra/add-message/", follow_redirects=True).text]
        pages.append(visitor.get("/extra/messages/").text)
    assert pages == ["It is saved.", ""]


def test_a_row_that_is_locked_counts_every_request(views, database):
    add_rows(database, "counter", 1)
    with ThreadPoolExecutor(12) as many:
        answers = many.map(get, [views] * 40, ["/extra/increment/?name=counter"] * 40)
        numbers = [int(answer.text) for answer in answers]
    assert sorted(numbers) == list(range(1, 41))


def test_streams_read_the_database_side_by_side(views, database):
    add_rows(database, "streamed", 1000)
    path, expected = "/extra/rows-from-database/?name=streamed", "\n".join(map(str, range(1000)))
    with ThreadPoolExecutor(12) as many:
        answers = list(many.map(get, [views] * 24, [path] * 24))
    assert {answer.text.strip() for answer in answers} == {expected}


def test_a_transaction_of_a_stream_is_its_own(views, database):
    """What others write meanwhile stays, although the stream rolls back in the end."""

    async def write_beside_streams() -> tuple[list[Answer], list[Answer]]:
        streams = [views.client() for _ in range(2)]
        path = "/extra/rows-in-transaction/?name=rolled-back"
        streaming = [asyncio.create_task(client.get(path)) for client in streams]
        writer, written = views.client(), []
        while not all(task.done() for task in streaming):
            written.append(await writer.get("/extra/slow/?name=beside"))
            written.append(await writer.get("/extra/slow-async/?name=beside"))
            await asyncio.sleep(0.05)
        writer.close()
        return [task.result() for task in streaming], written

    streamed, written = asyncio.run(write_beside_streams())
    assert {answer.body.decode() for answer in streamed} == {"".join(f"{n}\n" for n in range(20))}
    assert {answer.status for answer in written} == {200}
    assert rows(database, "beside") == len(written) > 4
    assert rows(database, "rolled-back") == 0


async def hang_up(site: Site, path: str, seconds: float) -> None:
    """Send a request, and disconnect after ``seconds``."""
    client = site.client()
    asking = asyncio.create_task(client.get(path))
    await asyncio.sleep(seconds)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def hang_up_in_the_body(site: Site, path: str) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    head = f"POST {path} HTTP/1.1\r\nHost: {site.platform.host}\r\nX-Forwarded-Proto: https\r\n"
    writer.write(f"{head}Content-Length: 1000\r\n\r\nnot all of it".encode())
    await asyncio.sleep(0.3)
    writer.transport.abort()


def test_a_request_whose_client_leaves_before_it_is_run_is_not_run(
    deployment, extra_views, database
):
    async def leave(site: Site) -> None:
        running = asyncio.create_task(site.client().get("/extra/slow/?name=runs&seconds=2"))
        await asyncio.sleep(0.3)
        left = [hang_up(site, "/extra/slow/?name=left", 0.5) for _ in range(5)]
        left += [hang_up_in_the_body(site, "/extra/slow/?name=left") for _ in range(5)]
        await asyncio.gather(*left)
        last = await site.client().get("/extra/slow/?name=last")
        assert (await running).status == last.status == 200

    with deployment.site(**extra_views, **ONE_PROCESS, WEB_THREADS="1") as site:
        asyncio.run(leave(site))
    written = {name: rows(database, name) for name in ("runs", "left", "last")}
    assert written == {"runs": 1, "left": 0, "last": 1}


def test_a_request_whose_client_leaves_while_it_runs_runs_to_its_end(views, database):
    async def leave() -> None:
        path = "/extra/slow/?name=client-left&seconds=1"
        await asyncio.gather(*(hang_up(views, path, 0.5) for _ in range(3)))

    asyncio.run(leave())
    wait_until(lambda: rows(database, "client-left") == 3, "three rows")


def test_clients_that_leave_in_the_midst_of_a_response_leave_nothing_behind(
    views, services, project
):
    async def leave() -> None:
        paths = [
            "events/",
            "rows-in-transaction/?name=left-midway",
            "file/",
            "download-async/?seconds=9",
        ]
        await asyncio.gather(*(hang_up(views, f"/extra/{path}", 0.7) for path in paths * 4))

    def idle_in_transaction() -> int:
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE state ~ 'in transaction' AND datname = %s"
        )
        with services.postgres.connect() as connection:
            return connection.execute(query, [project.database]).fetchone()[0]

    before = settled(views)
    asyncio.run(leave())
    wait_until(lambda: counts(views).get("streams open", 0) == 0, "every stream closed")
    wait_until(lambda: idle_in_transaction() == 0, "every transaction ended")
    wait_until(lambda: settled(views) == before, "every request finished")
    assert [get(views, "/").status_code for _ in range(10)] == [200] * 10


def test_nothing_fails_after_postgresql_was_restarted(views, services, database):
    add_rows(database, "restarted", 300)
    names = ["slow", "slow-async", "rows-from-database", "rows-in-transaction", "threads"]
    paths = [f"/extra/{name}/?name=restarted" for name in names] * 4
    with ThreadPoolExecutor(12) as many:
        before = list(many.map(get, [views] * 20, paths))
        services.postgres.restart()
        after = list(many.map(get, [views] * 20, paths))
    assert [answer.status_code for answer in before] == [200] * 20
    assert [answer.status_code for answer in after] == [200] * 20


def test_a_user_s_own_middleware_of_every_kind_is_run(users_own):
    synchronous = get(users_own, "/extra/context/")
    asynchronous = get(users_own, "/extra/threads/")
    for response, name, path in (
        (synchronous, "context", "/extra/context/"),
        (asynchronous, "threads", "/extra/threads/"),
    ):
        assert response.headers["X-Sync-Only"] == name
        assert response.headers["X-Async-Only"] == "yes"
        assert response.headers["X-Hybrid"] == path
    assert synchronous.text == asynchronous.json()["context"].replace("threads", "context")
    for path, kind in (("fail-lookup", "synchronous"), ("fail-lookup-async", "asynchronous")):
        found = get(users_own, f"/extra/{path}/")
        assert (found.status_code, found.text) == (404, f"{kind} was not found.")


def test_a_request_that_fails_is_rolled_back_with_atomic_requests(users_own, database):
    assert get(users_own, "/extra/write-and-fail/?name=atomic-fails").status_code == 500
    assert get(users_own, "/extra/slow/?name=atomic").status_code == 200
    assert rows(database, "atomic-fails") == 0
    assert rows(database, "atomic") == 1


def test_middleware_that_cannot_run_asynchronously_is_warned_of(users_own, deployment, extra_views):
    name = "extra.middleware.SyncOnly"
    warnings = [event for event in users_own.process.events() if event["level"] == "warning"]
    assert any(name in json.dumps(event) for event in warnings)
    changes = extra_views | {"EXTRA_MIDDLEWARE": f"{name} extra.middleware.hybrid"}
    # As the release runs it, it must not fail.
    command = "python manage.py check --deploy --fail-level WARNING"
    told = deployment.run(command, deployment.environment | changes)
    assert name in told
    assert "extra.middleware.hybrid" not in told
