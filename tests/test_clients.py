"""Clients that hang up in the middle, and clients that never finish, leave a site alive."""

import asyncio
import random

import pytest
from combinations import COMBINATIONS, name_of

PASSWORD = "a long enough passphrase"
CLIENTS = 1000
AT_ONCE = 25


async def hang_up(site, cookie: str, seconds: float) -> None:
    """Ask for a page that takes database queries, and hang up after so many seconds."""
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    head = f"GET / HTTP/1.1\r\nHost: {site.platform.host}\r\nX-Forwarded-Proto: https\r\n"
    writer.write(f"{head}Cookie: sessionid={cookie}\r\n\r\n".encode())
    await asyncio.sleep(seconds)
    writer.transport.abort()


async def hang_up_often(site, cookie: str) -> None:
    moments = random.Random(4)
    for _ in range(CLIENTS // AT_ONCE):
        waits = [moments.uniform(0, 0.1) for _ in range(AT_ONCE)]
        await asyncio.gather(*(hang_up(site, cookie, seconds) for seconds in waits))


def test_a_thousand_impatient_clients_leave_no_trace(site, project, services, visitor, report):
    answers = {"username": "impatient", "email": "impatient@example.com"}
    visitor.submit("/accounts/signup/", **answers, password1=PASSWORD, password2=PASSWORD)
    asyncio.run(hang_up_often(site, visitor.cookies["sessionid"]))
    pages = [visitor.get("/") for _ in range(20)]
    assert [page.status_code for page in pages] == [200] * 20
    assert all("impatient" in page.text for page in pages)
    assert visitor.get("/readyz").status_code == 200
    connections = services.postgres.connections(project.name.replace("-", "_"))
    report("PostgreSQL connections", str(connections))
    assert connections <= 20


# Gunicorn's threads each read a body to its end: see docs/decisions/0006.
PATIENT = [answers for answers in COMBINATIONS if answers["server"] != "wsgi-gunicorn"]


async def upload_slowly(site, until: asyncio.Event) -> None:
    """Send a body that has no end, a byte at a time."""
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    head = f"POST /accounts/login/ HTTP/1.1\r\nHost: {site.platform.host}\r\n"
    writer.write(f"{head}X-Forwarded-Proto: https\r\nContent-Length: 100000\r\n\r\na".encode())
    while not until.is_set():
        await asyncio.sleep(0.5)
        writer.write(b"a")
    writer.transport.abort()


async def visit_among_slow_uploads(site, uploads: int) -> list[int]:
    done = asyncio.Event()
    slow = [asyncio.create_task(upload_slowly(site, done)) for _ in range(uploads)]
    await asyncio.sleep(2)
    with site.visitor() as visitor:
        statuses = [(await asyncio.to_thread(visitor.get, "/")).status_code for _ in range(5)]
    done.set()
    await asyncio.gather(*slow)
    return statuses


@pytest.mark.parametrize("project", PATIENT, ids=name_of, indirect=True, scope="session")
def test_slow_uploads_hold_up_no_one(site):
    assert asyncio.run(visit_among_slow_uploads(site, uploads=50)) == [200] * 5
