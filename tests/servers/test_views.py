"""Views that fail, and whose clients leave."""

import asyncio
import json
from contextlib import ExitStack

import pytest

from rehearse.load import Answer, Outcome
from rehearse.raw import Raw, get, request
from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.site import Site
from tests.harness.views import rows
from tests.harness.waiting import wait_until

THREADS = 8  # more than an ASGI site has
# By path: part of the error that the failing view logs.
FAILING = {
    "fail": "a synchronous view that fails",
    "fail-midway": "a generator that fails",
    "fail-async": "an asynchronous view that fails",
    "fail-midway-async": "an asynchronous generator that fails",
}


async def fail_beside(site: Site, path: str) -> list[Answer]:
    """Request the path many times beside a download; return the answers, the download's last."""
    paths = ["download/?seconds=0.5", *[f"{path}/"] * 8]
    beside, *failed = await asyncio.gather(*(site.ask(f"/extra/{path}") for path in paths))
    return [*failed, beside]


@for_combinations(SERVERS)
def test_an_error_is_logged_and_costs_one_request(extra_site, project):
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
        errors = [one for one in extra_site.process.events() if one["level"] == "error"]
        assert any(FAILING[path] in json.dumps(error) for error in errors)


@pytest.fixture
def write(extra_site):
    """A function that sends a request to write a row of that name, and returns the client."""
    with ExitStack() as stack:

        def send(name: str) -> Raw:
            client = stack.enter_context(Raw(extra_site))
            client.send(f"/extra/slow/?name={name}")
            return client

        yield send


def wait_until_read(site: Site) -> None:
    """Return once the event loop has read what was sent before."""
    for _ in range(5):
        get(site, "/healthz")


# WSGI servers run every request that they have read.
@for_combinations([*filter(is_asgi, SERVERS)])
def test_a_request_whose_client_leaves_before_it_is_run_is_not_run(
    extra_site, database, write, hold_up, held_up
):
    half = request(extra_site, "/extra/slow/?name=left", "POST", Content_Length="1000") + b"half"
    with hold_up("extra_row"):
        running = [write("runs") for _ in range(THREADS)]
        wait_until_read(extra_site)
        wait_until(held_up, "a view that waits")
        left = [write("left") for _ in range(5)] + [Raw(extra_site) for _ in range(5)]
        for client in left[5:]:
            client.socket.sendall(half)
        wait_until_read(extra_site)
        for client in left:
            client.close()
        last = write("last")
        wait_until_read(extra_site)
    assert {client.read().status for client in [*running, last]} == {200}
    written = {name: rows(database, name) for name in ("runs", "left", "last")}
    assert written == {"runs": THREADS, "left": 0, "last": 1}


@for_combinations(SERVERS)
def test_a_request_whose_client_leaves_while_it_runs_runs_to_its_end(
    extra_site, database, write, hold_up, held_up
):
    with hold_up("extra_row"):
        clients = [write("client-left") for _ in range(3)]
        wait_until(lambda: held_up() == 3, "three views that wait")
        for client in clients:
            client.close()
        get(extra_site, "/healthz")
    wait_until(lambda: rows(database, "client-left") == 3, "three rows")
