"""Visitors of a site behind its router: clients that ask for pages, and pages that stay open."""

import asyncio
import itertools
from collections import Counter
from contextlib import suppress

from rehearsal.load import Client, Outcome
from rehearsal.router import Router
from rehearsal.site import session_cookie
from rehearsal.sockets import Crowd

CLIENTS = 8
# A page of the database, one without, and a health check.
PATHS = ("/", "/accounts/login/", "/healthz")


class Visitors:
    """Clients that ask for ``requests`` pages or more, one after another; ``outcomes`` counts what
    became of them.
    """

    def __init__(self, router: Router, session: str, requests: int):
        headers = {"Host": router.platform.host, **session_cookie(session)}
        self.clients = [Client(router.port, headers) for _ in range(CLIENTS)]
        self.outcomes: Counter[str] = Counter()
        self.requests, self.enough = requests, asyncio.Event()

    async def ask_on(self, client: Client) -> None:
        for path in itertools.cycle(PATHS):
            answer = await client.get(path)
            # Someone who is logged in is sent on from the login form.
            is_well = answer.outcome is Outcome.COMPLETE and answer.status in (200, 302)
            self.outcomes["well" if is_well else f"{path} {answer.outcome} {answer.status}"] += 1
            if self.enough.is_set() and self.outcomes.total() >= self.requests:
                break
        client.close()


async def pages_open(crowd: Crowd, wanted: int) -> int:
    """How many pages are open, once as many as wanted are or twenty seconds have passed."""
    with suppress(TimeoutError):
        async with asyncio.timeout(20):
            while len(crowd.sockets) < wanted:
                await asyncio.sleep(0.1)
    return len(crowd.sockets)
