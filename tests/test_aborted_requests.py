"""Clients that hang up in the middle of their requests leave a site fully alive."""

import asyncio
import random

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
