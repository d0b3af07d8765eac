"""How presence performs, in figures for the table: no figure but loss decides over pass or fail."""

import asyncio
import json
import statistics
import time

import pytest
from combinations import COMBINATIONS, name_of
from rehearsal.processes import run_script
from rehearsal.site import Site
from websockets.asyncio.client import connect

# The platform makes no difference to them.
ASGI = [
    answers
    for answers in COMBINATIONS
    if answers["server"].startswith("asgi") and answers["platform"] == "heroku"
]
SOCKETS = 500
PEOPLE = 50
ROUNDS = 10
LOG_INS = 20

pytestmark = pytest.mark.parametrize("project", ASGI, ids=name_of, indirect=True, scope="session")

# Sessions are made here, as five hundred log-ins would take minutes of hashing passwords.
MAKE_SESSIONS = f"""
from django.conf import settings
from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from users.models import User
User.objects.create_user("visitor", password="a long enough passphrase")
for number in range({PEOPLE} + 1):
    user = User.objects.create_user(f"person{{number}}")
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    print("session:" + session.session_key)
"""


class Crowd:
    """Many open pages; ``heard`` are the times at which they heard of what is looked for."""

    def __init__(self, site: Site):
        self.site, self.sockets, self.tasks = site, [], []
        self.wanted, self.heard = None, []

    async def open(self, session: str):
        headers = {"Cookie": f"sessionid={session}", "X-Forwarded-Proto": "https"}
        host = self.site.platform.host
        socket = await connect(
            f"ws://{host}/ws/presence/",
            host="127.0.0.1",
            port=self.site.port,
            origin=f"https://{host}",
            additional_headers=headers,
            ping_interval=None,
        )
        self.sockets.append(socket)
        self.tasks.append(asyncio.create_task(self.listen(socket)))
        return socket

    async def listen(self, socket) -> None:
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "ping":
                await socket.send('{"type": "pong"}')
            elif message["type"] == "change" and message["what"] == self.wanted:
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


def median_and_p99(milliseconds: list[float]) -> str:
    p99 = statistics.quantiles(milliseconds, n=100, method="inclusive")[98]
    return f"{statistics.median(milliseconds):.0f} / {p99:.0f}"


async def measure(site: Site, sessions: list[str], services, others: int, report) -> None:
    crowd = Crowd(site)
    before = site.process.memory()
    *crowd_sessions, newcomer = sessions
    for _ in range(SOCKETS // PEOPLE):
        await asyncio.gather(*map(crowd.open, crowd_sessions))
    await asyncio.sleep(2)
    report("kB per socket", f"{(site.process.memory() - before) * 1000 / SOCKETS:.0f}")
    report("Redis connections", str(services.valkey.connections() - others))

    fan_out = []
    for _ in range(ROUNDS):
        fan_out += await crowd.time("came online", SOCKETS, lambda: crowd.open(newcomer))
        leaving = crowd.sockets.pop()
        await crowd.time("went offline", SOCKETS, leaving.close)
    report("fan-out to 500, ms", median_and_p99(fan_out))

    for socket in crowd.sockets[1:]:
        await socket.close()
    await asyncio.sleep(2)
    log_ins = []
    for _ in range(LOG_INS):
        log_ins += await crowd.time("logged in", 1, lambda: asyncio.to_thread(log_in, site))
    report("log-in to page, ms", median_and_p99(log_ins))
    await crowd.sockets[0].close()


def log_in(site: Site) -> None:
    with site.visitor() as visitor:
        visitor.submit("/accounts/login/", username="visitor", password="a long enough passphrase")


def test_five_hundred_pages_hear_of_everything(deployment, services, report):
    platform, environment, _ = deployment
    printed = run_script(MAKE_SESSIONS, platform.folder, environment)
    lines = printed.splitlines()
    sessions = [line.partition(":")[2] for line in lines if line.startswith("session:")]
    others = services.valkey.connections()
    with Site(platform, environment | {"WEB_CONCURRENCY": "1"}) as site:
        asyncio.run(measure(site, sessions, services, others, report))
