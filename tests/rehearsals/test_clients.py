"""Clients that hang up in the middle, and clients that never finish, leave a site alive."""

import asyncio
import random

from rehearsal.load import Client
from rehearsal.site import CSRF_COOKIE, SESSION_COOKIE, session_cookie

CLIENTS = 1000
AT_ONCE = 25
# So many requests have a database connection at once: threads.
AT_THE_DATABASE = {
    "asgi-daphne": 4,
    "asgi-gunicorn": 6,
    "wsgi-gunicorn": 8,
    "wsgi-waitress": 8,
}


async def hang_up(site, session: str, seconds: float) -> None:
    """Ask for a page that takes database queries, and hang up after so many seconds."""
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    head = f"GET / HTTP/1.1\r\nHost: {site.platform.host}\r\nX-Forwarded-Proto: https\r\n"
    writer.write(f"{head}Cookie: {SESSION_COOKIE}={session}\r\n\r\n".encode())
    await asyncio.sleep(seconds)
    writer.transport.abort()


async def hang_up_often(site, session: str) -> None:
    moments = random.Random(4)
    for _ in range(CLIENTS // AT_ONCE):
        waits = [moments.uniform(0, 0.1) for _ in range(AT_ONCE)]
        await asyncio.gather(*(hang_up(site, session, seconds) for seconds in waits))


async def held_up(site, session: str, postgres, database: str) -> int:
    """How many requests of one site get as far as the database at once, of more than it can take."""
    headers = {"Host": site.platform.host, "X-Forwarded-Proto": "https"}
    headers |= session_cookie(session)
    clients = [Client(site.port, headers) for _ in range(3 * max(AT_THE_DATABASE.values()))]
    with postgres.locked(database, "users_user"):
        asking = [asyncio.create_task(client.get("/")) for client in clients]
        await asyncio.sleep(1)
        most = postgres.held_up(database)
    answers = await asyncio.gather(*asking)
    for client in clients:
        client.close()
    assert [answer.status for answer in answers] == [200] * len(clients)
    return most


def test_a_thousand_impatient_clients_leave_no_trace(site, project, services, visitor):
    visitor.sign_up("impatient")
    asyncio.run(hang_up_often(site, visitor.session))
    pages = [visitor.get("/") for _ in range(20)]
    assert [page.status_code for page in pages] == [200] * 20
    assert all("impatient" in page.text for page in pages)
    assert visitor.get_with_retries("/readyz").status_code == 200
    connections = services.postgres.connections(project.database)
    assert connections <= 20
    expected, seen = AT_THE_DATABASE[project.answers["server"]], 0
    # Which of Gunicorn's workers takes a connection is chance: it may be one that takes all.
    for _ in range(10):
        seen = max(
            seen, asyncio.run(held_up(site, visitor.session, services.postgres, project.database))
        )
        if seen == expected:
            break
    assert seen == expected


async def upload_slowly(site, until: asyncio.Event) -> None:
    """Send a form that has no end, a byte at a time."""
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    lines = [
        "POST /accounts/login/ HTTP/1.1",
        f"Host: {site.platform.host}",
        "X-Forwarded-Proto: https",
        # Without it Django refuses the form before it reads any of it.
        f"Cookie: {CSRF_COOKIE}={32 * 'a'}",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Length: 100000",
    ]
    writer.write("\r\n".join([*lines, "", "a"]).encode())
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


def test_slow_uploads_hold_up_no_one(site):
    assert asyncio.run(visit_among_slow_uploads(site, uploads=50)) == [200] * 5
