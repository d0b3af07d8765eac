"""A deployment under load, and a stop with requests in flight."""

import asyncio
import signal
import time

from rehearse.findings import Finding
from rehearse.load import Client, Outcome
from rehearse.router import Router
from rehearse.stage import Stage
from rehearse.visits import Visits, until
from rehearse.web import Web

CLIENTS = 8
# Seconds of visits before and after the switch, and between a client's requests.
BEFORE, AFTER, PAUSE = 1, 2, 0.01
IN_FLIGHT = 6


def deploy(stage: Stage) -> Finding:
    """A new process takes over from the shared one, which is stopped while visitors come."""
    old, started = stage.web, time.monotonic()
    visits = Visits(stage.paths, started)
    with Router(stage.platform, old.port) as router:
        asyncio.run(visit_during(stage, old, router, visits))
    lost = sum(visits.lost.values())
    found = Finding(f"0 of {len(visits.samples):,} requests lost", samples=visits.samples)
    found.figures = {"requests": len(visits.samples), "lost": lost}
    if lost:
        found.fail(
            f"{lost:,} of {len(visits.samples):,} requests lost: {visits.worst()}",
            "After SIGTERM the server has to answer what it has read, and to go on accepting for a"
            " moment. A keep-alive time of more than 90 s keeps it from closing the router's"
            " connections first.",
            old.process.output(),
        )
    return found


async def visit_during(stage: Stage, old: Web, router: Router, visits: Visits) -> None:
    headers = {"Host": stage.platform.host, **stage.cookies}
    clients = [Client(router.port, headers) for _ in range(CLIENTS)]
    async with visits.coming(clients, PAUSE):
        await asyncio.sleep(BEFORE)
        new = await asyncio.to_thread(stage.start_web)
        router.target_port = new.port
        await asyncio.sleep(stage.platform.drain_seconds)
        old.process.signal(signal.SIGTERM)
        await asyncio.sleep(AFTER)
    # The step SIGTERM checks how a process ends.
    await asyncio.to_thread(old.process.kill)
    stage.web = new


def stop(stage: Stage) -> Finding:
    """SIGTERM while IN_FLIGHT clients wait for a response."""
    web, started = stage.web, time.monotonic()
    visits = Visits(stage.paths, started)
    seconds, in_flight, answered = asyncio.run(stop_during(stage, web, visits))
    grace = stage.platform.grace
    status = web.process.process.poll()
    found = Finding(
        f"stopped after {seconds:.1f} s of {grace:.0f};"
        f" {answered} of {in_flight} requests in flight answered",
        samples=visits.samples,
        figures={"stop_s": round(seconds, 1), "in_flight": in_flight, "answered": answered},
    )
    output = web.process.output()
    stage.close_web()
    if status is None:
        found.fail(
            f"still runs {grace:.0f} s after SIGTERM: SIGKILL ends it",
            "End on SIGTERM: start the server with 'exec', or handle the signal in the command.",
            output,
        )
    if answered < in_flight:
        found.fail(
            f"{answered} of {in_flight} requests in flight answered",
            "Take a server that finishes what it has read before it ends, and give it less time"
            " for that (such as Gunicorn's graceful_timeout) than the platform does.",
            output,
        )
    return found


async def stop_during(stage: Stage, web: Web, visits: Visits) -> tuple[float, int, int]:
    """Returns the seconds until the end, and how many requests were in flight and answered."""
    clients = [stage.client(web, stage.platform.grace + 5) for _ in range(IN_FLIGHT)]
    # Each connection is in use: the server has accepted it.
    await asyncio.gather(*(visits.get(client, visits.paths[0]) for client in clients))
    asking = [asyncio.create_task(visits.get(client, visits.paths[0])) for client in clients]
    await asyncio.sleep(0.002)
    web.process.signal(signal.SIGTERM)
    stopped = time.monotonic()
    answers = await asyncio.gather(*asking)
    sent = [answer for answer in answers if answer.outcome is not Outcome.NOT_SENT]
    answered = sum(answer.outcome is Outcome.COMPLETE and answer.status < 500 for answer in sent)
    await until(lambda: not web.process.is_running(), stage.platform.grace)
    for client in clients:
        client.close()
    return time.monotonic() - stopped, len(sent), answered
