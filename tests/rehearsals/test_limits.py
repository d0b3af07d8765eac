"""Large bodies, slow clients and a full queue do not take the site from its other visitors."""

import asyncio
import json
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain, repeat
from pathlib import Path

import pytest

from rehearsal.combinations import SERVERS, for_combinations
from rehearsal.kept import Kept
from rehearsal.load import Answer, Outcome
from rehearsal.site import Site
from rehearsal.uploads import Upload, send, send_slowly

pytestmark = for_combinations(SERVERS)

HUGE = 300_000_000
ENDLESS = 40_000_000
LIMIT = 10_000_000
KEPT_BYTES = 20_000_000
PAGE_SECONDS = 2
DISCONNECTED_SECONDS = 5
SLOW_CLIENTS = 50
QUEUE = 5
CLIENTS = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where the process of ``limited`` makes its temporary files."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def limited(deployment, extra_views, folder):
    limits = {"MAX_BODY_SIZE": str(LIMIT), "WEB_CONCURRENCY": "1", "TMPDIR": str(folder)}
    with deployment.site(**extra_views, **limits) as site:
        yield site


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("multipart", [False, True], ids=["bytes", "form"])
def test_a_huge_body_is_refused_before_it_is_kept(limited, folder, report, multipart, chunked):
    with Kept(limited, folder) as kept:
        status, _ = Upload(HUGE, multipart, chunked).send(limited, "/accounts/login/")
    memory, disk = kept.more()
    way = f"{'form' if multipart else 'body'} {'in chunks' if chunked else 'of known length'}"
    report(f"300 MB {way}, kept MB", round((memory + disk) / 1e6))
    assert status == 413
    assert memory < KEPT_BYTES
    assert disk < KEPT_BYTES
    with limited.visitor() as visitor:
        assert visitor.get("/").status_code == 200


def test_a_body_that_is_announced_as_too_large_is_refused_before_it_is_sent(limited):
    head = Upload(HUGE).head(limited, "/accounts/login/")
    assert send(limited, [head], seconds=5)[0] == 413


# A server reads on after a 413, so that its client reads why; here less than a GB, or 30 seconds.
SHORT_DISCARDS = f"""
import paas.limits
from config.settings import *

paas.limits.DISCARD_BYTES = {LIMIT}
"""
SHORT_DISCARD_ON_GUNICORN = """
import paas.servers.gunicorn_wsgi

paas.servers.gunicorn_wsgi.MAX_CLOSE_SECONDS = 1
"""


@pytest.fixture
def short_discards(deployment, project, tmp_path):
    on_gunicorn = project.answers["server"] == "wsgi-gunicorn"
    settings = SHORT_DISCARDS + (SHORT_DISCARD_ON_GUNICORN if on_gunicorn else "")
    (tmp_path / "discarding_settings.py").write_text(settings)
    changes = {"DJANGO_SETTINGS_MODULE": "discarding_settings", "PYTHONPATH": str(tmp_path)}
    with deployment.site(**changes) as site:
        yield site


def seconds_of_sending(site: Site, pieces: Iterable[bytes]) -> float:
    """Send some MB a second, whatever is answered; the seconds until the server disconnects."""
    began = time.monotonic()
    address = ("127.0.0.1", site.port)
    with socket.create_connection(address) as connection, suppress(ConnectionError):
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.002)
    return time.monotonic() - began


def test_a_client_that_sends_on_after_a_refusal_is_disconnected(short_discards):
    upload = Upload(HUGE)
    pieces = chain([upload.head(short_discards, "/accounts/login/")], upload.pieces())
    # All of it would take ten seconds.
    assert seconds_of_sending(short_discards, pieces) < DISCONNECTED_SECONDS


def test_a_chunk_line_without_end_is_refused_before_it_is_kept(limited, folder, report):
    """A chunk begins with a line of its size, which may have extensions: it is no part of the
    body, and would grow in memory.
    """
    head = Upload(0, chunked=True).head(limited, "/accounts/login/")
    endless = chain([head, b"1;"], repeat(b"a" * 65536, ENDLESS // 65536))
    with Kept(limited, folder) as kept:
        status, _ = send(limited, endless)
    memory, disk = kept.more()
    report("40 MB chunk line, kept MB", round((memory + disk) / 1e6))
    assert status in (400, 413, None)
    assert memory + disk < KEPT_BYTES


@pytest.mark.parametrize("multipart", [False, True], ids=["bytes", "form"])
def test_a_body_within_the_limit_is_taken(limited, multipart):
    path = "/extra/form/" if multipart else "/extra/read/"
    upload = Upload(LIMIT, multipart)
    name = "file" if multipart else "length"
    status, body = upload.send(limited, path)
    assert (status, json.loads(body)) == (200, {name: upload.file_size})
    assert Upload(LIMIT + 1, multipart).send(limited, path)[0] == 413


def test_a_view_takes_as_much_as_it_says(limited):
    status, body = Upload(20_000_000).send(limited, "/extra/read-more/")
    assert (status, body) == (200, b'{"length": 20000000}')
    for chunked in (False, True):
        assert Upload(20_000_001, chunked=chunked).send(limited, "/extra/read-more/")[0] == 413


def test_a_full_queue_is_said_at_once(deployment, extra_views):
    limits = {"WEB_THREADS": "1", "MAX_QUEUED_REQUESTS": str(QUEUE), "WEB_CONCURRENCY": "1"}
    with deployment.site(**extra_views, **limits) as site:
        answers, seconds, health = asyncio.run(overload(site))
        with site.visitor() as visitor:
            assert visitor.get("/").status_code == 200
        assert {event["level"] for event in site.process.events()} <= {"info", "warning"}
    refused = [answer for answer in answers if answer.status == 503]
    served = [answer for answer in answers if answer.status == 200]
    assert len(refused) + len(served) == CLIENTS
    assert {answer.outcome for answer in answers} == {Outcome.COMPLETE}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    # One runs, unless all came before a thread took it; a server may take one more from the queue
    # before that one has ended.
    assert QUEUE <= len(served) <= QUEUE + 2
    assert seconds < PAGE_SECONDS
    assert {answer.status for answer in health} == {200}


async def overload(site: Site) -> tuple[list[Answer], float, list[Answer]]:
    """Send more requests than may wait.

    Returns the responses, the seconds until the last refusal, and the responses of health checks.
    """
    began, refused_after = time.monotonic(), 0.0

    async def ask(path: str) -> Answer:
        nonlocal refused_after
        client = site.client()
        answer = await client.get(path)
        client.close()
        if answer.status == 503:
            refused_after = time.monotonic() - began
        return answer

    asking = [asyncio.create_task(ask("/extra/slow/?name=queue&seconds=1")) for _ in range(CLIENTS)]
    health = []
    for _ in range(5):
        await asyncio.sleep(0.2)
        health.append(await site.client(seconds=PAGE_SECONDS).get("/healthz"))
    return await asyncio.gather(*asking), refused_after, health


async def visit_beside(site: Site, head: bytes) -> list[tuple[int | None, float]]:
    """The statuses of pages and the seconds that each took, beside clients that send slowly."""
    over, pages = asyncio.Event(), []
    slow = [asyncio.create_task(send_slowly(site, head, over)) for _ in range(SLOW_CLIENTS)]
    await asyncio.sleep(2)
    for _ in range(5):
        client, began = site.client(seconds=8), time.monotonic()
        pages.append(((await client.get("/")).status, time.monotonic() - began))
        client.close()
    over.set()
    await asyncio.gather(*slow)
    return pages


@pytest.mark.parametrize("part", ["head", "body"])
def test_clients_that_send_slowly_hold_up_no_one(limited, report, part):
    head = Upload(100_000).head(limited, "/extra/read/")
    pages = asyncio.run(visit_beside(limited, head if part == "body" else head[:-2]))
    report(f"page beside 50 slow senders of a {part} ms", round(1000 * max(s for _, s in pages)))
    assert [status for status, _ in pages] == [200] * 5
    assert max(seconds for _, seconds in pages) < PAGE_SECONDS
