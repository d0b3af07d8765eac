"""A deployment under load, and a stop with requests in flight."""

import asyncio
import signal
import time
from contextlib import ExitStack
from pathlib import Path

from rehearse.findings import Finding
from rehearse.load import Client
from rehearse.raw import Raw
from rehearse.router import Router
from rehearse.stage import Stage
from rehearse.visits import Visits
from rehearse.web import Web

CLIENTS = 8
# Seconds of visits before and after the switch, and between a client's requests.
BEFORE, AFTER, PAUSE = 1, 2, 0.01
# Requests at once, and how often they are sent until some are surely in flight.
AT_ONCE, TRIES = 6, 200
ESTABLISHED = "01"


def deploy(stage: Stage) -> Finding:
    """A new process takes over from the shared one, which is stopped while visitors come."""
    old, started = stage.web, time.monotonic()
    if old.is_alone:
        return Finding(f"not tried: two servers cannot listen at {old.port} here; use $PORT")
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
    """SIGTERM while clients wait for a response to a request that the server has read."""
    web, grace, found = stage.web, stage.platform.grace, Finding()
    with ExitStack() as stack:
        in_flight = freeze_in_flight(stage, web, stack)
        stopped = time.monotonic()
        web.process.signal(signal.SIGTERM)
        web.process.signal(signal.SIGCONT)
        answered = sum(is_answered(client) for client in in_flight)
        is_late = not web.process.ends_within(max(0, stopped + grace - time.monotonic()))
    seconds, output = time.monotonic() - stopped, web.process.output()
    found.figures = {"stop_s": round(seconds, 1)}
    found.figures |= {"in_flight": len(in_flight), "answered": answered}
    what = f"{answered} of {len(in_flight)} requests in flight answered"
    found.text = f"stopped after {seconds:.1f} s of {grace:.0f}; {what}"
    stage.close_web()
    if is_late:
        found.fail(
            f"still runs {grace:.0f} s after SIGTERM: SIGKILL ends it",
            "End on SIGTERM: start the server with 'exec', or handle the signal in the command.",
            output,
        )
    if answered < len(in_flight):
        found.fail(
            what,
            "Take a server that finishes what it has read before it ends, and give it less time"
            " for that (such as Gunicorn's graceful_timeout) than the platform does.",
            output,
        )
    return found


def freeze_in_flight(stage: Stage, web: Web, stack: ExitStack) -> list[Raw]:
    """The clients whose request the server has read, and not answered, while it is frozen.

    A page may take less than a millisecond: requests are sent until SIGSTOP finds one at work.
    """
    limit = stage.platform.grace + 5
    for attempt in range(TRIES):
        clients = [stack.enter_context(Raw(web, seconds=limit)) for _ in range(AT_ONCE)]
        for client in clients:
            client.send(stage.paths[0], **stage.cookies)
        time.sleep(attempt % 10 / 2000)
        web.process.signal(signal.SIGSTOP)
        time.sleep(0.02)
        read = read_by_server(web.port)
        found = [
            one for one in clients if one.socket.getsockname()[1] in read and not one.has_answer()
        ]
        if found:
            return found
        web.process.signal(signal.SIGCONT)
        for client in clients:
            is_answered(client)
            client.close()
    web.process.signal(signal.SIGSTOP)
    return []


def read_by_server(port: int) -> set[int]:
    """The clients' ports of the connections to the port that are accepted, with nothing unread:
    https://docs.kernel.org/networking/proc_net_tcp.html
    """
    found = set()
    for name in ("tcp", "tcp6"):  # a server at [::] has both kinds in the second
        for line in Path("/proc/net", name).read_text().splitlines()[1:]:
            _, local, remote, state, queues, _, _, _, _, inode, *_ = line.split()
            is_read = state == ESTABLISHED and int(queues[9:], 16) == 0 and inode != "0"
            if is_read and int(local[-4:], 16) == port:
                found.add(int(remote[-4:], 16))
    return found


def is_answered(client: Raw) -> bool:
    try:
        return client.read().status < 500
    except (OSError, ValueError):
        return False
