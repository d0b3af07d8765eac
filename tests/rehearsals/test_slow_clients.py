"""Clients that read or send slowly, or not at all, hold up no one and are disconnected in time."""

import asyncio
import copy
import shutil
import time
from dataclasses import dataclass

import psutil
import pytest

from rehearsal.combinations import SERVERS, for_combinations
from rehearsal.downloads import DOWNLOAD_BYTES, DOWNLOADS, add_downloads
from rehearsal.load import Client, Outcome
from rehearsal.site import Site

pytestmark = for_combinations(SERVERS)

READERS = 18
SENDERS = 50
SEND_TIMEOUT = 5
# Fewer than there are readers of any one kind.
WEB_THREADS = 4
# What a page may take, and how much memory so many slow clients: 18 of them want 600 MB.
SECONDS = 2
MEGABYTES = 100


@pytest.fixture
def slow_site(deployment, tmp_path):
    """A site with downloads, a short SEND_TIMEOUT and few threads."""
    platform = copy.copy(deployment.platform)
    # The environment stays where it is.
    left = shutil.ignore_patterns(".heroku")
    platform.folder = shutil.copytree(platform.folder, tmp_path / "project", ignore=left)
    limits = {"SEND_TIMEOUT": str(SEND_TIMEOUT), "WEB_THREADS": str(WEB_THREADS)}
    changes = deployment.environment | add_downloads(platform.folder) | limits
    with Site(platform, changes) as site:
        yield site


@dataclass
class Visits:
    """How long each of some pages took, in seconds, and the most memory used meanwhile, in MB."""

    seconds: list[float]
    megabytes: float


def client(site: Site) -> Client:
    return Client(site.port, {"Host": site.platform.host, "X-Forwarded-Proto": "https"})


def head(site: Site, request: str) -> bytes:
    return (
        f"{request} HTTP/1.1\r\nHost: {site.platform.host}\r\nX-Forwarded-Proto: https\r\n".encode()
    )


def connections(site: Site) -> int:
    """How many clients the site has."""
    found = [one for process in site.process.everyone() for one in process.net_connections("tcp")]
    # Workers inherit what listens, and nothing else.
    return sum(
        one.status == psutil.CONN_ESTABLISHED and one.laddr.port == site.port for one in found
    )


async def visit(site: Site, pages: int = 10) -> Visits:
    visits = Visits([], 0)
    for page in range(pages):
        visitor, started = client(site), time.monotonic()
        answer = await visitor.get("/" if page % 2 else "/healthz")
        visits.seconds.append(time.monotonic() - started)
        visits.megabytes = max(visits.megabytes, await asyncio.to_thread(site.process.memory))
        visitor.close()
        assert (answer.outcome, answer.status) == (Outcome.COMPLETE, 200)
        await asyncio.sleep(0.1)
    return visits


async def wait_until_left(site: Site, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while await asyncio.to_thread(connections, site):
            await asyncio.sleep(0.2)


class SlowReader:
    """Requests a download, and reads only what fits in the receive buffers."""

    async def start(self, site: Site, path: str) -> None:
        reader, self.writer = await asyncio.open_connection("127.0.0.1", site.port, limit=1000)
        self.writer.write(head(site, f"GET {path}") + b"\r\n")
        self.first_line = asyncio.create_task(reader.readline())


async def hold_up_with_reading(site: Site) -> Visits:
    slow = [SlowReader() for _ in range(READERS)]
    for number, one in enumerate(slow):
        await one.start(site, DOWNLOADS[number % len(DOWNLOADS)])
    await asyncio.sleep(0.5)
    visits = await visit(site)
    assert {(await one.first_line).split()[1] for one in slow} == {b"200"}
    # The kernel probes a stalled connection, and so checks TCP_USER_TIMEOUT, ever less often.
    await wait_until_left(site, 5 * SEND_TIMEOUT)
    for one in slow:
        one.writer.transport.abort()
    return visits


def memory_of_all_workers(site: Site) -> float:
    """Megabytes, once it no longer grows: the first worker answers while the next still starts."""
    last, now = 0.0, site.process.memory()
    while now > last + 1:
        time.sleep(1)
        last, now = now, site.process.memory()
    return now


def test_clients_that_do_not_read_hold_up_no_one_and_are_disconnected(slow_site, report):
    before = memory_of_all_workers(slow_site)
    visits = asyncio.run(hold_up_with_reading(slow_site))
    report("page beside slow readers s", round(max(visits.seconds), 2))
    report("memory for slow readers MB", round(visits.megabytes - before))
    assert max(visits.seconds) < SECONDS
    assert visits.megabytes - before < MEGABYTES
    levels = {event["level"] for event in slow_site.process.events()}
    assert levels <= {"info", "warning"}, slow_site.process.output()


async def read_steadily(site: Site, path: str) -> int:
    """Read a download at a pace that takes twice SEND_TIMEOUT; its size in bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=1_000_000)
    writer.write(head(site, f"GET {path}") + b"Connection: close\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    size = 0
    while data := await reader.read(1_000_000):
        size += len(data)
        await asyncio.sleep(2 * SEND_TIMEOUT / (DOWNLOAD_BYTES / 1_000_000))
    writer.close()
    return size


def test_a_client_that_reads_slowly_gets_everything(slow_site):
    assert asyncio.run(read_steadily(slow_site, "/download/file/")) == DOWNLOAD_BYTES


async def stop_sending(site: Site, number: int) -> asyncio.StreamWriter:
    """Send a part of a head, or of a body."""
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    if number % 2:
        writer.write(head(site, "GET /")[:-5])
    else:
        writer.write(head(site, "POST /accounts/login/") + b"Content-Length: 100000\r\n\r\na=")
    return writer


async def hold_up_with_sending(site: Site) -> Visits:
    slow = await asyncio.gather(*(stop_sending(site, number) for number in range(SENDERS)))
    await asyncio.sleep(1)
    assert await asyncio.to_thread(connections, site) == SENDERS
    visits = await visit(site)
    for writer in slow:
        writer.transport.abort()
    await wait_until_left(site, 5)
    return visits


def test_clients_that_do_not_send_hold_up_no_one(slow_site):
    before = slow_site.process.memory()
    visits = asyncio.run(hold_up_with_sending(slow_site))
    assert max(visits.seconds) < SECONDS
    assert visits.megabytes - before < MEGABYTES
