"""After SIGTERM requests of every kind finish, WebSockets reconnect, and no client delays the exit."""

import asyncio
import json
import signal
import time

from rehearse.load import Outcome
from rehearse.raw import Raw, request
from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.site import STOPPED, Site
from tests.harness.sockets import SocketClients
from tests.harness.streams import Streams
from tests.harness.views import get
from tests.harness.waiting import SECONDS, wait_until

pytestmark = for_combinations(SERVERS, apart="limits")

STREAMS, SOCKETS = 10, 50
# After SIGTERM the end of a request comes, and a lock is released that holds up views.
LATE_SECONDS, HELD_UP_SECONDS = 2, 4
# Streams end 2 s after SIGTERM (ACCEPT_GRACE_SECONDS).
STREAMS_END_SECONDS = 12
# After the last answer. With what a client delays, it is until 25 s after SIGTERM.
EXIT_SECONDS = 15
DOWNLOADS = ["/extra/download/?seconds=4", "/extra/download-async/?seconds=4"]
WAITING = ["/extra/slow/?name=stop", "/extra/slow-async/?name=stop"]


def leave_amid_a_page(site: Site) -> None:
    with Raw(site, receive_buffer=4096) as client:
        client.send("/extra/big/")
        assert client.read_head()[0] == 200


async def stop(
    site: Site, slow: Raw, is_async: bool, sessions: list[str], lock, held_up
) -> list[int]:
    """Stop the site amid downloads, views that a lock holds up, event streams, WebSockets, a client
    that reads slowly, and one that sends the end of its request late.

    Returns the close codes of the WebSockets.
    """
    start, in_thread = asyncio.create_task, asyncio.to_thread
    streams, sent = Streams.of(site), request(site, "/extra/echo/", "POST", b"late")
    sockets = SocketClients(site.platform.host, site.port)
    # Under WSGI an asynchronous stream is read whole before it is sent.
    await streams.open(STREAMS * is_async, SECONDS)
    await sockets.open_many(sessions, SOCKETS * is_async)
    downloads = [start(site.ask(path)) for path in DOWNLOADS[: 1 + is_async]]
    with Raw(site) as late:
        slow.send("/extra/big/")
        slow.read_head()
        late.socket.sendall(sent[:-2])
        with lock:
            views = [start(site.ask(path)) for path in WAITING]
            await in_thread(wait_until, lambda: held_up() == len(WAITING), "views that wait")
            site.process.signal(signal.SIGTERM)
            began = time.monotonic()
            await asyncio.sleep(LATE_SECONDS)
            late.socket.sendall(sent[-2:])
            response = await in_thread(late.read)
            await asyncio.gather(*streams.tasks)
            seconds = time.monotonic() - began
            await asyncio.sleep(HELD_UP_SECONDS)
        assert len(await in_thread(slow.file.read, 5_000_000)) == 5_000_000
    assert (response.status, json.loads(response.body)["length"]) == (200, 4)
    answers = [await task for task in (*downloads, *views)]
    assert {(one.outcome, one.status) for one in answers} == {(Outcome.COMPLETE, 200)}
    assert {len(one.body) for one in answers[: len(downloads)]} == {16 * 65536}
    assert [one.outcome for one in streams.answers] == [Outcome.COMPLETE] * STREAMS * is_async
    assert not is_async or seconds < STREAMS_END_SECONDS
    return sockets.codes


def test_requests_in_flight_finish_after_sigterm_and_no_client_delays_the_exit(
    deployment, extra_views, project, sessions, hold_up, held_up, report
):
    lock, is_async = hold_up("extra_row"), is_asgi(project.answers)
    changes = {"WEB_CONCURRENCY": "1", "STATEMENT_TIMEOUT": "0"}
    with deployment.site(**extra_views, **changes) as site, Raw(site, 4096) as slow:
        for _ in range(8):
            leave_amid_a_page(site)
        get(site, "/")
        codes = asyncio.run(stop(site, slow, is_async, sessions, lock, held_up))
        began = time.monotonic()
        status = site.process.process.wait(SECONDS)
        seconds = time.monotonic() - began
    report("shutdown after the last answer s", round(seconds, 1))
    assert seconds < EXIT_SECONDS
    assert status in STOPPED, site.process.output()
    # Daphne cannot send 1012, "service restart".
    code = 4012 if project.answers["server"] == "asgi-daphne" else 1012
    assert codes == [code] * SOCKETS * is_async
    # Each line from the start to the end is an event.
    assert {event["level"] for event in site.events()} <= {"info", "warning"}
