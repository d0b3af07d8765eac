"""Visitors of a site behind its router, also while a new process takes over: clients that ask for
pages, and pages that stay open.
"""

import asyncio
import itertools
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress

from rehearse.load import Client, Outcome
from rehearse.router import Router
from tests.harness.deployment import Deployment
from tests.harness.site import Site, session_cookie
from tests.harness.sockets import SocketClients
from tests.harness.waiting import SECONDS

CLIENTS = 8
# A page of the database, one without, and a health check.
PATHS = ("/", "/accounts/login/", "/healthz")


class Visitors:
    """Clients that ask for ``requests`` pages or more, one after another with ``pause`` seconds
    between; ``outcomes`` counts how they ended: "answered", or the path, the Outcome and the status.
    """

    def __init__(self, router: Router, session: str, requests: int, pause: float = 0):
        headers = {"Host": router.platform.host, **session_cookie(session)}
        self.clients = [Client(router.port, headers) for _ in range(CLIENTS)]
        self.outcomes: Counter[str] = Counter()
        self.requests, self.pause, self.enough = requests, pause, asyncio.Event()

    def lost(self) -> dict[str, int]:
        """How many requests were not answered by a page or a redirect, by how they ended."""
        return {outcome: count for outcome, count in self.outcomes.items() if outcome != "answered"}

    async def ask_on(self, client: Client) -> None:
        for path in itertools.cycle(PATHS):
            answer = await client.get(path)
            # The login form redirects someone who is logged in.
            is_answered = answer.outcome is Outcome.COMPLETE and answer.status in (200, 302)
            self.outcomes[
                "answered" if is_answered else f"{path} {answer.outcome} {answer.status}"
            ] += 1
            if self.enough.is_set() and self.outcomes.total() >= self.requests:
                break
            await asyncio.sleep(self.pause)
        client.close()


async def pages_open(clients: SocketClients, wanted: int) -> int:
    """Wait until ``wanted`` WebSockets are open, SECONDS at most; returns how many are."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SECONDS):
            while len(clients.sockets) < wanted:
                await asyncio.sleep(0.1)
    return len(clients.sockets)


async def take_over(old: Site, start_new: Callable[[], Site], router: Router) -> int:
    """Replace the old process by a new one as the platform does; the old one's exit status."""
    router.target_port = (await asyncio.to_thread(start_new)).port
    await asyncio.sleep(router.platform.drain_seconds)
    old.process.signal(signal.SIGTERM)
    return await asyncio.to_thread(old.process.process.wait, router.platform.grace)


async def visit_during(
    take_over, visitors: Visitors, clients: SocketClients, sessions: list[str]
) -> dict:
    """As deploy(), with the coroutine function ``take_over``, which returns an exit status."""
    asking = [asyncio.create_task(visitors.ask_on(client)) for client in visitors.clients]
    staying = [asyncio.create_task(clients.stay(session)) for session in sessions]
    await pages_open(clients, len(sessions))
    while visitors.outcomes.total() < visitors.requests / 2:
        await asyncio.sleep(0.05)
        for client in asking:
            if client.done():  # an error ended it
                client.result()
    status = await take_over()
    visitors.enough.set()
    await asyncio.gather(*asking)
    back = await pages_open(clients, len(sessions))
    for page in staying:
        page.cancel()
    codes = clients.codes[: len(sessions)]
    await clients.leave()
    return {"lost": visitors.lost(), "status": status, "codes": codes, "pages": back}


def deploy(
    deployment: Deployment, old: Site, session: str, sessions: list[str], requests: int, pause=0.0
) -> dict:
    """Deploy in place of ``old`` while clients ask for ``requests`` pages or more, and each session
    of ``sessions`` has a WebSocket open.

    Out: the requests that were ``lost``, by how they ended; the exit ``status`` of the old process;
    the close ``codes`` of its WebSockets; and how many ``pages`` have one open in the end.
    """
    with ExitStack() as stack:
        router = stack.enter_context(Router(old.platform, old.port))
        visitors = Visitors(router, session, requests, pause)
        clients = SocketClients(router.platform.host, router.port)

        def start_new() -> Site:
            return stack.enter_context(deployment.site())

        def replace():
            return take_over(old, start_new, router)

        return asyncio.run(visit_during(replace, visitors, clients, sessions))
