"""Large bodies, unfinished ones and a full queue do not make the site unavailable to others."""

import selectors
from contextlib import ExitStack
from itertools import product
from pathlib import Path

import pytest

from rehearse.peak import Peak, clients_of
from rehearse.raw import Raw, get
from rehearse.uploads import Upload
from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.limits import QUEUE, THREADS
from tests.harness.site import Site
from tests.harness.waiting import wait_until

on_each_server = for_combinations(SERVERS, apart="limits")

HUGE = 300_000_000  # MAX_BODY_SIZE is 10,000,000
KEPT_MEGABYTES = 20
# Bodies that stop halfway, each shorter than what Django keeps in memory by default.
BODIES, BODY_SIZE = 200, 2_400_000
UNFINISHED_MEGABYTES = 200
# Seconds in which a server that has stopped reading takes nothing more.
STALL_SECONDS = 3


@on_each_server
@pytest.mark.parametrize(
    "kind", [Upload(HUGE, *each) for each in product([False, True], repeat=2)], ids=str
)
def test_a_huge_body_is_refused_before_it_is_kept(limited, temporary, project, report, kind):
    # Daphne calls the application after the last byte: such a client is disconnected.
    statuses = (None, 413) if project.answers["server"] == "asgi-daphne" else (413,)
    get(limited, "/")  # the first page takes memory that stays
    with Peak(limited, temporary) as peak:
        response = kind.send(limited, "/accounts/login/")
    report(f"{kind}, kept MB", round(peak.more("memory", "disk")))
    assert (response and response.status) in statuses
    assert peak.more("memory") < KEPT_MEGABYTES
    assert peak.more("disk") < KEPT_MEGABYTES
    assert get(limited, "/").status == 200


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


@on_each_server
def test_bodies_that_stop_halfway_are_not_in_memory(limited, report):
    sent = Upload(9_900_000).head(limited, "/accounts/login/") + bytes(BODY_SIZE)
    get(limited, "/")
    with Peak(limited) as peak, ExitStack() as stack:
        send_all([stack.enter_context(Raw(limited)) for _ in range(BODIES)], sent)
    wait_until(lambda: clients_of(limited) == 0, "the end of all connections")
    report("200 unfinished bodies of 2.4 MB, memory MB", round(peak.more("memory")))
    assert peak.more("memory") < UNFINISHED_MEGABYTES
    assert get(limited, "/").status == 200


def ask(site: Site, count: int, path: str = "/extra/slow/?name=queue&seconds=1") -> list[Raw]:
    clients = [Raw(site) for _ in range(count)]
    for client in clients:
        client.send(path)
    wait_until(lambda: unread(site) == 0, "the site to read all")
    return clients


@for_combinations([one for one in SERVERS if is_asgi(one)], apart="limits")
def test_a_request_beyond_a_full_queue_gets_503_at_once(limited, hold_up, held_up):
    with hold_up("extra_row"):
        served = ask(limited, THREADS)
        wait_until(lambda: held_up() == THREADS, "busy threads")
        served += ask(limited, QUEUE)
        refused = [get(limited, "/extra/slow/?name=queue") for _ in range(10)]
        health = ask(limited, 1, "/healthz") + ask(limited, 1, "/readyz")
        wait_until(lambda: all(client.has_answer() for client in health), "health checks")
    assert health[0].read().body == b"ok"
    assert health[1].read_head()[0] in (200, 503)  # 503 if a probe timed out
    assert not served[-1].has_answer()
    assert {(one.status, one.headers["retry-after"]) for one in refused} == {(503, "5")}
    assert [client.read().status for client in served] == [200] * (THREADS + QUEUE)
    for client in (*served, *health):
        client.close()
    assert get(limited, "/").status == 200
