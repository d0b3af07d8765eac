"""Large bodies and a full queue do not make the site unavailable to other visitors."""

import time
from itertools import chain, product, repeat

import pytest

from harness.combinations import SERVERS, for_combinations
from harness.limits import QUEUE, THREADS
from harness.site import Site
from harness.waiting import wait_until
from rehearsal.peak import Peak
from rehearsal.raw import Raw, get, wait_until_read
from rehearsal.uploads import Upload

pytestmark = for_combinations(SERVERS, apart="limits")

HUGE = 300_000_000  # MAX_BODY_SIZE is 10,000,000
ENDLESS = 40_000_000
KEPT_MEGABYTES = 20


def test_a_huge_body_is_refused_before_it_is_kept(limited, temporary, report):
    get(limited, "/")  # the first page takes memory that stays
    for multipart, chunked in product([False, True], repeat=2):
        upload = Upload(HUGE, multipart, chunked)
        with Peak(limited, temporary) as peak:
            assert upload.send(limited, "/accounts/login/").status == 413
        report(f"{upload}, kept MB", round(peak.more("memory", "disk")))
        assert peak.more("memory") < KEPT_MEGABYTES
        assert peak.more("disk") < KEPT_MEGABYTES
        assert get(limited, "/").status == 200


def test_a_chunk_line_without_end_is_refused_before_it_is_kept(limited, temporary, report):
    """A chunk begins with a line for its size and extensions, which no limit of the body bounds."""
    head = Upload(0, chunked=True).head(limited, "/accounts/login/")
    endless = chain([head, b"1;"], repeat(b"a" * 65536, ENDLESS // 65536))
    with Peak(limited, temporary) as peak, Raw(limited) as client:
        response = client.send_until_answered(endless)
    report("40 MB chunk line, kept MB", round(peak.more("memory", "disk")))
    assert response is None or response.status in (400, 413, 431)
    assert peak.more("memory", "disk") < KEPT_MEGABYTES


def test_a_client_that_sends_on_after_a_413_is_disconnected(limited):
    upload = Upload(HUGE)
    with Raw(limited) as client, pytest.raises(ConnectionError):
        for piece in chain([upload.head(limited, "/accounts/login/")], upload.pieces()):
            client.socket.sendall(piece)
            time.sleep(0.002)  # ten seconds in all: one server ends it after one second


def ask(site: Site, count: int, path: str = "/extra/slow/?name=queue&seconds=1") -> list[Raw]:
    clients = [Raw(site) for _ in range(count)]
    for client in clients:
        client.send(path)
    wait_until_read(site)
    return clients


def test_a_request_beyond_a_full_queue_gets_503_at_once(limited, project, hold_up, held_up):
    with hold_up("extra_row"):
        served = ask(limited, THREADS)
        wait_until(lambda: held_up() == THREADS, "busy threads")
        served += ask(limited, QUEUE)
        refused = [get(limited, "/extra/slow/?name=queue") for _ in range(10)]
        health = ask(limited, 1, "/healthz") + ask(limited, 1, "/readyz")
        # Waitress answers them only once a thread is free.
        if project.answers["server"] != "wsgi-waitress":
            wait_until(lambda: all(client.has_answer() for client in health), "health checks")
    assert health[0].read().body == b"ok"
    assert health[1].read_head()[0] in (200, 503)  # 503 if a probe timed out
    assert not served[-1].has_answer()
    assert {(one.status, one.headers["retry-after"]) for one in refused} == {(503, "5")}
    assert [client.read().status for client in served] == [200] * (THREADS + QUEUE)
    for client in (*served, *health):
        client.close()
    assert get(limited, "/").status == 200
