"""Bodies of every framing arrive; too large ones, and forms that cannot be parsed, are refused."""

import hashlib
from contextlib import suppress

import pytest

from rehearse.raw import Raw
from rehearse.uploads import BOUNDARY, FILE_END, FILE_HEAD, Upload, chunked
from tests.harness.combinations import SERVERS, for_combinations
from tests.harness.site import CSRF_COOKIE

# It reads a body to its end before the application is called, and disconnects a client above the
# largest limit of any view.
but_daphne = for_combinations([one for one in SERVERS if one["server"] != "asgi-daphne"])

LIMIT = 10_000_000  # MAX_BODY_SIZE
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


@but_daphne
def test_a_body_that_is_announced_as_too_large_is_refused_before_it_is_sent(client):
    client.send("/accounts/login/", "POST", Content_Length=str(30 * LIMIT))
    assert client.read().status == 413


@but_daphne
def test_a_client_that_sends_on_reads_why_it_was_refused(client):
    size = 2 * LIMIT - 1  # Waitress resets the connection from 2 * LIMIT on
    client.send("/accounts/login/", "POST", bytes(size))
    assert client.read().status == 413


def test_a_body_within_the_limit_is_taken_and_a_larger_one_is_not(extra_site):
    for form, path, name in ((False, "/extra/read/", "length"), (True, "/extra/form/", "file")):
        upload = Upload(LIMIT, form)
        assert upload.send(extra_site, path).json() == {name: upload.file_size}
        for in_chunks in (False, True):
            larger = Upload(LIMIT + 1, form, in_chunks)
            assert larger.send(extra_site, path).status == 413, str(larger)


def test_a_view_has_a_limit_of_its_own(extra_site, project):
    paths = {
        "/extra/read-little/?a=b": 10,
        "/extra/read%2dlittle/": 10,
        "/extra/read-more/": 11_000_000,
    }
    is_daphne = project.answers["server"] == "asgi-daphne"
    for path, limit in paths.items():
        assert Upload(limit).send(extra_site, path).json() == {"length": limit}
        for in_chunks in (False, True):
            refused = Upload(limit + 1, chunked=in_chunks).send(extra_site, path)
            # The largest limit of any view is that of Daphne's connections, too.
            assert refused.status == 413 if refused else is_daphne


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
