"""Bodies arrive, large ones are rejected; a view that fails, or whose client leaves, costs one request."""

import asyncio
import hashlib
import json
from contextlib import ExitStack, suppress

import pytest

from rehearse.load import Answer, Outcome
from rehearse.raw import Raw
from tests.harness.combinations import is_asgi
from tests.harness.site import Site
from tests.harness.uploads import Upload
from tests.harness.views import get, rows
from tests.harness.waiting import wait_until

LIMIT = 10_000_000  # MAX_BODY_SIZE
# By path: part of the error that the failing view logs.
FAILING = {
    "fail": "a synchronous view that fails",
    "fail-midway": "a generator that fails",
    "fail-async": "an asynchronous view that fails",
    "fail-midway-async": "an asynchronous generator that fails",
}


def chunked(data: bytes, size: int) -> bytes:
    """``data`` in chunks of ``size`` bytes, with the last one, which is empty."""
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*parts, b""])


@pytest.fixture
def client(extra_site):
    with Raw(extra_site) as client:
        yield client


def test_bodies_of_any_framing_arrive_whole(client):
    for size in (1, 65_535, 65_536, 3_000_000):
        body = bytes(range(256)) * (size // 256) + b"a" * (size % 256)
        digest = hashlib.sha256(body).hexdigest()
        facts = {"method": "POST", "length": size, "sha256": digest}
        client.send("/extra/echo/", "POST", body)
        assert json.loads(client.read().body) == facts
        client.send("/extra/echo/", "POST", Transfer_Encoding="chunked")
        client.socket.sendall(chunked(body, 10_000))
        assert json.loads(client.read().body) == facts


@pytest.mark.parametrize(
    ("path", "limit", "is_form"),
    [
        ("/extra/read/", LIMIT, False),
        ("/extra/form/", LIMIT, True),
        ("/extra/read-little/?a=b", 10, False),
        ("/extra/read%2dlittle/", 10, False),
        ("/extra/read-more/", 11_000_000, False),
    ],
)
def test_bodies_above_the_limit_get_413(extra_site, project, path, limit, is_form):
    upload = Upload(limit, is_form)
    assert list(json.loads(upload.send(extra_site, path).body).values()) == [upload.file_size]
    for in_chunks in (False, True):
        response = Upload(limit + 1, is_form, in_chunks).send(extra_site, path)
        # Daphne disconnects a client above the largest limit of any view.
        is_daphne = project.answers["server"] == "asgi-daphne"
        assert response.status == 413 if response else is_daphne and limit > LIMIT


def test_error_in_the_url_patterns_costs_one_connection(extra_site, client):
    for _ in range(2):
        client.send("/healthz")
        assert client.read().status == 200
        with Raw(extra_site) as other, suppress(ConnectionError):
            other.send("/extra/unresolvable/a/", "POST", b"a")
            assert other.read().status == 500


async def fail_beside(site: Site, path: str) -> list[Answer]:
    """Request the path many times beside a download; return the answers, the download's last."""
    paths = ["download/?seconds=0.5", *[f"{path}/"] * 8]
    beside, *failed = await asyncio.gather(*(site.ask(f"/extra/{path}") for path in paths))
    return [*failed, beside]


def test_error_is_logged_and_costs_one_request(extra_site, project):
    # Under WSGI an asynchronous generator is read whole before the response begins.
    for path in FAILING if is_asgi(project.answers) else list(FAILING)[:3]:
        *failed, beside = asyncio.run(fail_beside(extra_site, path))
        if "midway" in path:
            # The last data sent may be lost with the connection.
            assert {answer.outcome for answer in failed} <= {Outcome.CUT_OFF, Outcome.CLOSED}
        else:
            found = {(answer.outcome, answer.status) for answer in failed}
            assert found == {(Outcome.COMPLETE, 500)}
        assert (beside.outcome, len(beside.body)) == (Outcome.COMPLETE, 2 * 65536)
        assert get(extra_site, "/").status == 200
        errors = [one for one in extra_site.events() if one["level"] == "error"]
        assert any(FAILING[path] in json.dumps(error) for error in errors)


def test_view_whose_client_leaves_runs_to_its_end(extra_site, database, hold_up, held_up):
    with ExitStack() as stack, hold_up("extra_row"):
        clients = [stack.enter_context(Raw(extra_site)) for _ in range(3)]
        for client in clients:
            client.send("/extra/slow/?name=client-left")
        wait_until(lambda: held_up() == 3, "three views that wait")
        stack.close()
        get(extra_site, "/healthz")
    wait_until(lambda: rows(database, "client-left") == 3, "three rows")
