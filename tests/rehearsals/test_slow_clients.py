"""Clients that read or send slowly hold up no one: none of a few threads, or a part of many."""

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle, islice

from rehearse.peak import Peak, clients_of
from rehearse.raw import Raw, get, request, slow_senders
from tests.harness.combinations import SERVERS, for_combinations
from tests.harness.limits import THREADS
from tests.harness.site import CSRF_COOKIE, Site
from tests.harness.views import FILE_SIZE
from tests.harness.waiting import wait_until

pytestmark = for_combinations(SERVERS, apart="limits")

# By server. Under Gunicorn each holds one of its 16 threads; elsewhere more than there are threads.
CLIENTS = {"wsgi-gunicorn": 10}
READERS, SENDERS = 18, 60
# If the threads were all held, a page would wait for a client, and those stay for minutes.
PAGE_SECONDS = 10
# Pages in one piece, files, and streams of pieces. Of a stream Waitress stores 16 MB
# (outbuf_high_watermark); then it holds a thread.
TO_READ = ["big", "big", "file", "pieces"]
READING_SECONDS = 20
# For the readers, who request 300 MB in all.
MEGABYTES = 200


def page_seconds(site: Site, pages: int = 10) -> float:
    """How long the slowest of some pages took."""
    seconds = []
    for path in islice(cycle(["/", "/healthz", "/accounts/login/"]), pages):
        began = time.monotonic()
        assert get(site, path).status == 200
        seconds.append(time.monotonic() - began)
    return max(seconds)


def test_clients_that_do_not_read_hold_up_no_one(limited, temporary, project, report):
    server = project.answers["server"]
    count, names = CLIENTS.get(server, READERS), TO_READ[: 3 if server == "wsgi-waitress" else 4]
    with ExitStack() as stack:
        peak = stack.enter_context(Peak(limited, temporary))
        readers = [stack.enter_context(Raw(limited, 4096)) for _ in range(count)]
        for reader, name in zip(readers, cycle(names), strict=False):
            reader.send(f"/extra/{name}/")
        assert {reader.read_head()[0] for reader in readers} == {200}
        seconds = page_seconds(limited)
    report("page beside slow readers s", round(seconds, 2))
    report("memory for slow readers MB", round(peak.more("memory")))
    report("disk for slow readers MB", round(peak.more("disk")))
    assert seconds < PAGE_SECONDS
    assert peak.more("memory") < MEGABYTES
    wait_until(lambda: clients_of(limited) == 0, "the end of all connections")


def read_steadily(client: Raw) -> bytes:
    """Take READING_SECONDS to read a file, and ask for another page; return the file's digest.

    The last quarter is read at once. It is more than the kernel holds of a response, so the server
    has sent the last byte just before that page is asked for, and still keeps the connection.
    """
    client.send("/extra/file/")
    status, headers = client.read_head()
    assert (status, headers["content-length"]) == (200, str(FILE_SIZE))
    digest = hashlib.sha256()
    for _ in range(30):
        digest.update(client.file.read(FILE_SIZE // 40))
        time.sleep(READING_SECONDS / 30)
    digest.update(client.file.read(FILE_SIZE // 4))
    client.send("/healthz")
    assert client.read().body == b"ok"
    return digest.digest()


def test_clients_that_read_slowly_get_everything_and_hold_no_thread(limited, deployment, report):
    file = (deployment.platform.folder / "extra/large_file").read_bytes()
    with ExitStack() as stack:
        peak = stack.enter_context(Peak(limited))
        clients = [stack.enter_context(Raw(limited, 256_000)) for _ in range(THREADS)]
        reading = stack.enter_context(ThreadPoolExecutor()).map(read_steadily, clients)
        seconds = page_seconds(limited)
        assert set(reading) == {hashlib.sha256(file).digest()}
    report("page beside steady readers s", round(seconds, 2))
    report("memory for 4 files of 26 MB, MB", round(peak.more("memory")))
    assert seconds < PAGE_SECONDS
    assert peak.more("memory") < 3 * FILE_SIZE / 1e6


def test_clients_that_send_slowly_hold_up_no_one(limited, project, report):
    form = {
        # Without it Django refuses the form before it reads any of it.
        "Cookie": f"{CSRF_COOKIE}={32 * 'a'}",
        "Content_Type": "application/x-www-form-urlencoded",
        "Content_Length": "100000",
    }
    beginnings = [
        request(limited, "/extra/read/", "POST", Content_Length="100000") + b"a",
        request(limited, "/accounts/login/", "POST", **form) + b"a",
    ]
    count = CLIENTS.get(project.answers["server"], SENDERS)
    with Peak(limited) as peak, slow_senders(limited, islice(cycle(beginnings), count)):
        wait_until(lambda: clients_of(limited) == count, "all connections")
        seconds = page_seconds(limited)
    report("page beside slow senders s", round(seconds, 2))
    assert seconds < PAGE_SECONDS
    assert peak.more("memory") < MEGABYTES
    wait_until(lambda: clients_of(limited) == 0, "the end of all connections")
