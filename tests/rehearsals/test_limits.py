"""Bodies that stop halfway fill no memory."""

import selectors
from contextlib import ExitStack

from rehearse.peak import Peak
from rehearse.raw import Raw
from tests.harness.combinations import SERVERS, for_combinations
from tests.harness.uploads import Upload
from tests.harness.views import get

pytestmark = for_combinations(SERVERS, apart="limits")

# Each shorter than what Django keeps in memory by default.
BODIES, BODY_SIZE = 200, 2_400_000
MEGABYTES = 200
# Seconds in which a server that has stopped reading takes nothing more.
STALL_SECONDS = 3


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


def test_bodies_that_stop_halfway_are_not_in_memory(deployment, report):
    with deployment.site(WEB_CONCURRENCY="1") as site:
        sent = Upload(9_900_000).head(site, "/accounts/login/") + bytes(BODY_SIZE)
        get(site, "/")  # the first page takes memory that stays
        with Peak(site) as peak, ExitStack() as stack:
            send_all([stack.enter_context(Raw(site)) for _ in range(BODIES)], sent)
        report("200 unfinished bodies of 2.4 MB, memory MB", round(peak.more("memory")))
        assert peak.more("memory") < MEGABYTES
        assert get(site, "/").status == 200
