"""What strangers send takes at most 40 MB of memory, and pages are answered meanwhile."""

import resource
import selectors
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from harness.combinations import SERVERS, for_combinations
from harness.site import Site
from harness.waiting import wait_until
from rehearsal.peak import Peak, clients_of
from rehearsal.raw import Raw, get, request
from rehearsal.uploads import Upload, chunked

pytestmark = for_combinations(SERVERS, apart="memory")

MEGABYTES = 40
PAGE_SECONDS = 8  # about 0.8 on an idle machine, beside chunks of a byte
# Seconds in which a server that has stopped reading takes nothing more.
STALL_SECONDS = 3
# By server: more than it has room for.
CONNECTIONS = {"wsgi-waitress": 2100}
MANY = 1100


@pytest.fixture
def fresh(deployment, extra_views):
    """A new process with the limits of production, which has served pages before."""
    with deployment.site(**extra_views, WEB_CONCURRENCY="1") as site:
        for path in ["/", "/accounts/login/", "/healthz"] * 20:
            get(site, path)
        yield site


@pytest.fixture
def bounded(fresh, report):
    """A context manager with a name: what happens inside takes at most MEGABYTES."""

    @contextmanager
    def bound(name: str) -> Iterator[ExitStack]:
        with Peak(fresh) as peak, ExitStack() as clients:
            yield clients
        wait_until(lambda: clients_of(fresh) == 0, "the end of all connections")
        seen = [peak.before["memory"], peak.most["memory"], fresh.process.memory()]
        report(f"memory before / peak / after {name}, MB", " / ".join(f"{one:.0f}" for one in seen))
        assert peak.more("memory") < MEGABYTES

    return bound


def send_all(clients: list[Raw], data: bytes) -> None:
    """Send ``data`` from all clients at once, until the site takes no more of it."""
    unsent = {client: memoryview(data) for client in clients}
    with selectors.DefaultSelector() as selector:
        for client in clients:
            client.socket.setblocking(False)
            selector.register(client.socket, selectors.EVENT_WRITE, client)
        while selector.get_map() and (ready := selector.select(STALL_SECONDS)):
            for client in [key.data for key, _ in ready]:
                part = unsent[client]
                try:
                    unsent[client] = part[client.socket.send(part[:65536]) :]
                except OSError:  # the site has closed it
                    unsent[client] = part[:0]
                if not unsent[client]:
                    selector.unregister(client.socket)


def unread(site: Site) -> int:
    """How many bytes the kernel holds that the site has yet to read."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    queues = [line[4] for line in lines if line[1].endswith(f":{site.port:04X}")]
    return sum(int(queue.partition(":")[2], 16) for queue in queues)


def page_seconds(site: Site) -> float:
    """How long the slower of a page and a health check took."""
    seconds = []
    for path in ("/healthz", "/"):
        began = time.monotonic()
        assert get(site, path).status == 200
        seconds.append(time.monotonic() - began)
    return max(seconds)


def test_bodies_that_stop_halfway_are_not_in_memory(fresh, bounded):
    sent = Upload(9_900_000).head(fresh, "/accounts/login/") + bytes(2_400_000)
    with bounded("200 bodies of 2.4 MB") as stack:
        send_all([stack.enter_context(Raw(fresh)) for _ in range(200)], sent)
        wait_until(lambda: unread(fresh) == 0, "the site to read all")


@pytest.mark.parametrize("path", ["/", "/healthz"])
def test_pipelined_requests_whose_responses_are_not_read_are_not_in_memory(fresh, bounded, path):
    one = request(fresh, path)
    with bounded(f"4 x 50 MB of requests for {path}") as stack:
        clients = [stack.enter_context(Raw(fresh, 4096)) for _ in range(4)]
        send_all(clients, one * (50_000_000 // len(one)))
        page_seconds(fresh)


@pytest.mark.parametrize("header", [b"a" * 720_000, b"a: b\r\n" * 120_000], ids=["long", "many"])
def test_heads_without_end_are_not_in_memory(fresh, bounded, header):
    with bounded(f"300 heads of 720 KB, {header[:6]!r}...") as stack:
        clients = [stack.enter_context(Raw(fresh)) for _ in range(300)]
        send_all(clients, request(fresh, "/")[:-2] + header)
        wait_until(lambda: unread(fresh) == 0, "the site to read all")


def test_chunks_of_a_byte_delay_no_page(fresh, bounded, report):
    count = 1_000_000
    sent = Upload(0, chunked=True).head(fresh, "/extra/read/") + chunked(bytes(count), 1)
    with bounded("4 x 1,000,000 chunks") as stack, ThreadPoolExecutor() as threads:
        clients = [stack.enter_context(Raw(fresh)) for _ in range(4)]
        sending = [threads.submit(client.send_until_answered, [sent]) for client in clients]
        seconds = [page_seconds(fresh)]
        while not all(each.done() for each in sending):
            seconds.append(page_seconds(fresh))
        assert {each.result().json()["length"] for each in sending} == {count}
    report("page beside chunks of a byte s", round(max(seconds), 2))
    assert max(seconds) < PAGE_SECONDS


@pytest.mark.parametrize("kind", ["idle connections", "slow bodies"])
def test_more_connections_than_there_is_room_for_delay_no_page(
    fresh, project, bounded, report, kind
):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    count = CONNECTIONS.get(project.answers["server"], MANY)
    head = request(fresh, "/accounts/login/", "POST", Content_Length="100000")
    parts = [b""] * 4 if kind == "idle connections" else [head, b"a", b"a", b"a"]
    with bounded(f"{count} {kind}") as stack:
        began = time.monotonic()
        clients = [stack.enter_context(Raw(fresh)) for _ in range(count)]
        seconds = [time.monotonic() - began]
        for part in parts:
            for client in clients:
                with suppress(OSError):  # the site has closed it
                    client.socket.sendall(part)
            time.sleep(1.5)  # servers check once a second whether they have room
            seconds.append(page_seconds(fresh))
    report(f"to connect beside {kind}, s", round(seconds[0], 2))
    report(f"page beside {kind} s", round(max(seconds[1:]), 2))
    assert max(seconds) < PAGE_SECONDS
