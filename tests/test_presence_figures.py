"""How presence performs, in figures for the table: no figure but loss decides over pass or fail."""

import asyncio
import statistics
import time

from combinations import ASGI, about
from rehearsal.site import Site
from rehearsal.sockets import Crowd

SOCKETS = 500
ROUNDS = 10
LOG_INS = 20

# The platform makes no difference to them.
pytestmark = about([answers for answers in ASGI if answers["platform"] == "heroku"])


class TimedCrowd(Crowd):
    """Pages whose listeners are timed: ``heard`` are the moments at which what is ``wanted`` came."""

    wanted: str | None = None
    heard: list[float]

    def hear(self, message: dict) -> None:
        if message["type"] == "change" and message["what"] == self.wanted:
            self.heard.append(time.perf_counter())

    async def time(self, what: str, listeners: int, act) -> list[float]:
        """Milliseconds from ``act()`` until each of the listeners heard that someone did it."""
        self.wanted, self.heard = what, []
        started = time.perf_counter()
        acting = asyncio.ensure_future(act())
        async with asyncio.timeout(20):
            while len(self.heard) < listeners:
                await asyncio.sleep(0.005)
        await acting
        return [(moment - started) * 1000 for moment in self.heard]


def report_spread(report, what: str, milliseconds: list[float]) -> None:
    p99 = statistics.quantiles(milliseconds, n=100, method="inclusive")[98]
    report(f"{what} ms", round(statistics.median(milliseconds)))
    report(f"{what} p99 ms", round(p99))


async def measure(site: Site, sessions: list[str], services, others: int, report) -> None:
    crowd = TimedCrowd(site.platform.host, site.port)
    before = site.process.memory()
    *crowd_sessions, newcomer = sessions
    await crowd.open_many(crowd_sessions, SOCKETS)
    await asyncio.sleep(2)
    report("kB per socket", round((site.process.memory() - before) * 1000 / SOCKETS))
    report("Redis connections", services.valkey.connections() - others)

    fan_out = []
    for _ in range(ROUNDS):
        fan_out += await crowd.time("came online", SOCKETS, lambda: crowd.open(newcomer))
        leaving = crowd.sockets[-1]
        await crowd.time("went offline", SOCKETS, leaving.close)
    report_spread(report, "fan-out", fan_out)

    for socket in crowd.sockets[1:]:
        await socket.close()
    await asyncio.sleep(2)
    log_ins = []
    for _ in range(LOG_INS):
        log_ins += await crowd.time("logged in", 1, lambda: asyncio.to_thread(log_in, site))
    report_spread(report, "log-in", log_ins)
    await crowd.leave()


def log_in(site: Site) -> None:
    with site.visitor() as visitor:
        visitor.log_in("visitor")


def test_five_hundred_pages_hear_of_everything(deployment, sessions, services, report):
    others = services.valkey.connections()
    with deployment.site(WEB_CONCURRENCY="1") as site:
        with site.visitor() as visitor:
            visitor.sign_up("visitor")
        asyncio.run(measure(site, sessions, services, others, report))
