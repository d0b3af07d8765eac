"""A deploy under load: a new process takes over, and no visitor notices."""

import asyncio
import signal
from contextlib import ExitStack

from rehearsal.combinations import SERVERS, for_combinations, is_asgi
from rehearsal.router import Router
from rehearsal.site import Site
from rehearsal.sockets import Crowd
from rehearsal.visitors import Visitors, pages_open

REQUESTS = 2000
PAGES = 50


async def take_over(old: Site, start_new, router: Router) -> int:
    """Replace the old process by a new one as the platform does; the old one's exit status."""
    await asyncio.sleep(1)
    router.target_port = (await asyncio.to_thread(start_new)).port
    await asyncio.sleep(router.platform.drain_seconds)
    old.process.signal(signal.SIGTERM)
    return await asyncio.to_thread(old.process.process.wait, router.platform.grace)


async def deploy(old: Site, start_new, router: Router, sessions: list[str], pages: int):
    visitors, crowd = (
        Visitors(router, sessions[0], REQUESTS),
        Crowd(router.platform.host, router.port),
    )
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
