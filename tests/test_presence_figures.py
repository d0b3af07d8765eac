"""How presence performs, in figures for the table: no figure but loss decides over pass or fail."""

import asyncio
import statistics

from combinations import SERVERS, for_combinations, is_asgi
from rehearsal.site import Site
from rehearsal.sockets import TimedCrowd

SOCKETS = 500
ROUNDS = 10
# With the sign-up, no more than MAX_MESSAGES of presence/signals.py.
LOG_INS = 9

pytestmark = for_combinations([*filter(is_asgi, SERVERS)])


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
    logins = []
    for _ in range(LOG_INS):
        logins += await crowd.time("logged in", 1, lambda: asyncio.to_thread(log_in, site))
    report_spread(report, "login", logins)
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
