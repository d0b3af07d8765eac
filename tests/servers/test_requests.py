"""Requests of every framing are answered; invalid and too large ones are refused."""

import hashlib
import time
from contextlib import suppress
from itertools import repeat

import pytest

from harness.combinations import SERVERS, for_combinations
from harness.site import CSRF_COOKIE
from rehearsal.raw import Raw, get, request
from rehearsal.uploads import BOUNDARY, FILE_END, FILE_HEAD, Upload, chunked

pytestmark = for_combinations(SERVERS)

LIMIT = 10_000_000  # MAX_BODY_SIZE
# Invalid requests, and the status that paas/servers/ sends under wsgi-gunicorn. The other servers
# refuse them with that status, 400 or 431.
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
INVALID = [
    (b"nonsense\r\n\r\n", 400),
    (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    (POST + b"a: b\r\n" * 50_000, 431),
    (POST + b"a: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    (POST + b"a: b\r\n" * 600 + b"\r\n", 431),
    (b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a" * 70_000), 414),
    (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
    (b"GET http://[::1/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
]
FORM = "application/x-www-form-urlencoded"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY.decode()}"
# Forms that Django refuses to parse: the Content-Type, and the body.
UNPARSABLE = [
    (f"{FORM}; charset=utf-16", b"a=b"),
    ("multipart/form-data", b"a"),
    (FORM, b"&".join([b"a=b"] * 1500)),
    (FORM, b"a" * 3_000_000),
    (MULTIPART, b"\r\n".join([FILE_HEAD] * 300) + FILE_END),
    (f"{MULTIPART}; charset=zlib", FILE_HEAD + FILE_END),
]


@pytest.fixture
def client(extra_site):
    with Raw(extra_site) as client:
        yield client


def facts(body: bytes, method: str = "POST") -> dict:
    """The response of /extra/echo/."""
    return {"method": method, "length": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def test_a_body_of_any_framing_arrives_whole_and_the_connection_stays(client):
    for size in (1, 65_535, 65_536, 3_000_000):
        body = bytes(range(256)) * (size // 256) + b"a" * (size % 256)
        client.send("/extra/echo/", "POST", body)
        assert client.read().json() == facts(body)
        client.send("/extra/echo/", "POST", Transfer_Encoding="chunked")
        client.socket.sendall(chunked(body, 10_000))
        assert client.read().json() == facts(body)


def test_a_response_does_not_wait_for_the_client_to_confirm_its_head(client):
    seconds = []
    for _ in range(30):
        client.send("/healthz")
        began = time.perf_counter()
        assert client.read().status == 200
        seconds.append(time.perf_counter() - began)
    # Without TCP_NODELAY each takes 40 ms, once the kernel delays its confirmations.
    assert min(seconds[20:]) < 0.03


def test_pipelined_requests_are_answered_in_turn(extra_site, client):
    path, chunks = "/extra/echo/", {"Transfer_Encoding": "chunked"}
    sent = [
        request(extra_site, path, "POST", b"one"),
        request(extra_site, path, "POST", **chunks) + chunked(b"two", 1),
        request(extra_site, path, "PUT", b"three"),
        request(extra_site, path),
    ]
    client.socket.sendall(b"".join(sent))
    expected = [(b"one", "POST"), (b"two", "POST"), (b"three", "PUT"), (b"", "GET")]
    assert [client.read().json() for _ in sent] == [facts(*one) for one in expected]


def test_a_client_that_waits_for_100_continue_gets_it_once(client):
    body = b"b" * 100_000
    length = str(len(body))
    client.send("/extra/echo/", "POST", Expect="100-continue", Content_Length=length)
    assert client.read_head()[0] == 100
    client.socket.sendall(body)
    response = client.read()
    assert (response.status, response.json()) == (200, facts(body))


@pytest.mark.parametrize("headers", [{}, {"Expect": "100-continue"}], ids=["sends", "waits"])
def test_a_body_that_is_announced_as_too_large_is_refused_before_it_is_sent(client, headers):
    client.send("/accounts/login/", "POST", Content_Length=str(30 * LIMIT), **headers)
    response = client.read()
    assert (response.status, response.headers["connection"]) == (413, "close")


def test_a_client_that_sends_on_reads_why_it_was_refused(client):
    client.send("/accounts/login/", "POST", Content_Length=str(6 * LIMIT))
    for piece in repeat(bytes(LIMIT), 6):
        client.socket.sendall(piece)
    assert client.read().status == 413


def test_a_body_within_the_limit_is_taken_and_a_larger_one_is_not(extra_site):
    for form, path, name in ((False, "/extra/read/", "length"), (True, "/extra/form/", "file")):
        upload = Upload(LIMIT, form)
        assert upload.send(extra_site, path).json() == {name: upload.file_size}
        for in_chunks in (False, True):
            larger = Upload(LIMIT + 1, form, in_chunks)
            assert larger.send(extra_site, path).status == 413, str(larger)


def test_a_view_has_a_limit_of_its_own(extra_site):
    paths = {
        "/extra/read-little/?a=b": 10,
        "/extra/read%2dlittle/": 10,
        "/extra/read-more/": 11_000_000,
    }
    for path, limit in paths.items():
        assert Upload(limit).send(extra_site, path).json() == {"length": limit}
        for in_chunks in (False, True):
            assert Upload(limit + 1, chunked=in_chunks).send(extra_site, path).status == 413


def test_a_head_request_has_no_body_and_the_next_one_has(client):
    client.send("/extra/big/", "HEAD")
    status, headers = client.read_head()
    assert (status, headers["content-length"]) == (200, "5000000")
    client.send("/healthz")
    assert client.read().body == b"ok"


def test_a_connection_closes_after_a_response_that_says_so(client):
    client.send("/extra/context/", Connection="close")
    response = client.read()
    assert (response.status, response.body) == (200, b"/extra/context/")
    assert response.headers["connection"].lower() == "close"
    assert client.is_closed()


def test_an_invalid_request_is_refused_without_an_error_in_the_log(extra_site, project):
    before = len(extra_site.process.events())
    for sent, status in INVALID:
        with Raw(extra_site) as client:
            response = client.send_until_answered([sent])
        expected = [status]
        if project.answers["server"] != "wsgi-gunicorn":
            expected += [400, 431]
        assert (response and response.status) in expected, sent[:100]
        assert get(extra_site, "/healthz").status == 200
    levels = {event["level"] for event in extra_site.process.events()[before:]}
    assert levels <= {"info", "warning"}


def test_an_error_in_the_url_patterns_costs_one_connection(extra_site, client):
    client.send("/healthz")
    assert client.read().status == 200
    with Raw(extra_site) as other, suppress(ConnectionError):
        other.send("/extra/unresolvable/a/", "POST", b"a")
        assert other.read().status == 500
    client.send("/healthz")
    assert client.read().status == 200


def test_a_form_that_cannot_be_parsed_is_refused_and_logged_now_and_then(extra_site, client):
    before = len(extra_site.process.events())
    trusted = {
        "Cookie": f"{CSRF_COOKIE}={32 * 'a'}",
        "X_CSRFToken": 32 * "a",
        "Origin": f"https://{extra_site.platform.host}",
    }
    for content_type, body in UNPARSABLE * 5:
        for path in ("/accounts/login/", "/no/such/page"):
            client.send(path, "POST", body, Content_Type=content_type, **trusted)
            status = client.read().status
            # The encoding "zlib" is ignored, and then the form of the login is not complete.
            assert status in (400, 403, 404, 413) or (status == 200 and "zlib" in content_type)
    events = [event for event in extra_site.process.events()[before:] if event["level"] != "info"]
    assert {event["level"] for event in events} <= {"warning"}
    assert len(events) < 20, events  # of 60
