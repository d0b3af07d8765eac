"""Waitress keeps on disk what clients do not read of responses, within a bound."""

import socket
import time
from contextlib import ExitStack

import pytest

from rehearsal.combinations import SERVERS, for_combinations
from rehearsal.downloads import DOWNLOAD_BYTES, add_downloads
from rehearsal.kept import Kept
from rehearsal.site import Site

pytestmark = for_combinations(
    [answers for answers in SERVERS if answers["server"] == "wsgi-waitress"]
)

READERS = 8
BOUND = 20_000_000
# Until then clients that do not read are disconnected where the disk is full, and no others are:
# SEND_TIMEOUT is longer.
SECONDS = 10
# The server's module runs as __main__; it takes 20 MB for a full disk here, instead of a GB.
URLS = f"""
import __main__
from downloads_urls import *

__main__.MAX_UNREAD_ON_DISK = {BOUND}
"""
SETTINGS = """
from downloads_settings import *

ROOT_URLCONF = "bounded_urls"
"""


@pytest.fixture
def bounded(deployment):
    folder = deployment.platform.folder
    add_downloads(folder)
    (folder / "bounded_urls.py").write_text(URLS)
    (folder / "bounded_settings.py").write_text(SETTINGS)
    with deployment.site(DJANGO_SETTINGS_MODULE="bounded_settings") as site:
        yield site


def request(site: Site, path: str) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", site.port), timeout=30)
    lines = [f"GET {path} HTTP/1.1", f"Host: {site.platform.host}", "X-Forwarded-Proto: https"]
    client.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
    return client


def disk_once_bounded(kept: Kept) -> float:
    """The bytes on disk once they are within the bound, or after SECONDS."""
    over = time.monotonic() + SECONDS
    while (disk := kept.look()[1]) > BOUND and time.monotonic() < over:
        time.sleep(0.1)
    return disk


def test_what_clients_do_not_read_takes_a_bounded_part_of_the_disk(bounded, tmp_path, report):
    kept = Kept(bounded, tmp_path)
    with ExitStack() as stack:
        for _ in range(READERS):
            stack.enter_context(request(bounded, "/download/stream/"))
        time.sleep(1)
        most = kept.look()[1]
        disk = disk_once_bounded(kept)
    report("disk for slow readers MB, at first", round(most / 1e6))
    report("disk for slow readers MB, then", round(disk / 1e6))
    assert most > BOUND
    assert disk <= BOUND
    with request(bounded, "/download/page/") as reader, reader.makefile("rb") as response:
        assert len(response.read()) > DOWNLOAD_BYTES / 10
