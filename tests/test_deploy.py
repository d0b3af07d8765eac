"""A deploy under load: a new process takes over, and no visitor notices."""

import asyncio
import itertools
import signal
from collections import Counter
from contextlib import ExitStack, suppress

from combinations import SERVERS, for_combinations, is_asgi
from rehearsal.load import Client, Outcome
from rehearsal.router import Router
from rehearsal.site import Site, session_cookie
from rehearsal.sockets import Crowd

REQUESTS = 2000
CLIENTS = 8
PAGES = 50
# A page of the database, one without, and a health check.
PATHS = ("/", "/accounts/login/", "/healthz")


class Visitors:
    """Clients that ask for ``requests`` pages or more, one after another; ``outcomes`` counts what
    became of them.
    """

    def __init__(self, router: Router, session: str, requests: int = REQUESTS):
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


async def take_over(old: Site, start_new, router: Router) -> int:
    """Replace the old process by a new one as the platform does; the old one's exit status."""
    await asyncio.sleep(1)
    router.target_port = (await asyncio.to_thread(start_new)).port
    await asyncio.sleep(router.platform.drain_seconds)
    old.process.signal(signal.SIGTERM)
    return await asyncio.to_thread(old.process.process.wait, router.platform.grace)


async def pages_open(crowd: Crowd, wanted: int) -> int:
    """How many pages are open, once as many as wanted are or twenty seconds have passed."""
    with suppress(TimeoutError):
        async with asyncio.timeout(20):
            while len(crowd.sockets) < wanted:
                await asyncio.sleep(0.1)
    return len(crowd.sockets)


async def deploy(old: Site, start_new, router: Router, sessions: list[str], pages: int):
    visitors, crowd = Visitors(router, sessions[0]), Crowd(router.platform.host, router.port)
    open_pages = [asyncio.create_task(crowd.stay(session)) for session in sessions[:pages]]
    asking = [asyncio.create_task(visitors.ask_on(client)) for client in visitors.clients]
    status = await take_over(old, start_new, router)
    visitors.enough.set()
    await asyncio.gather(*asking)
    back = await pages_open(crowd, pages)
    for page in open_pages:
        page.cancel()
    await crowd.leave()
    return status, visitors.outcomes, crowd.codes[:pages], back


@for_combinations(SERVERS)
def test_a_deploy_under_load_fails_no_request_and_every_page_comes_back(
    deployment, sessions, project, report
):
    pages = PAGES if is_asgi(project.answers) else 0
    with ExitStack() as stack:
        old = stack.enter_context(deployment.site())
        router = stack.enter_context(Router(old.platform, old.port))

        def start_new() -> Site:
            return stack.enter_context(deployment.site())

        deployed = asyncio.run(deploy(old, start_new, router, sessions, pages))
    status, outcomes, codes, back = deployed
    lost = outcomes.total() - outcomes["well"]
    report("lost requests", lost)
    assert lost == 0, (outcomes, router.errors)
    assert outcomes["well"] >= REQUESTS
    assert status == 0, old.process.output()
    assert codes == [1012] * pages
    assert back == pages
