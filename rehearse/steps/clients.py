"""Clients that are slow, and bodies that are large."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain

from rehearse.findings import Finding, Sample
from rehearse.peak import Peak
from rehearse.raw import Raw, request
from rehearse.stage import Stage
from rehearse.web import Web

# Half of them ask for a page and do not read it; the others send the half of a form.
SLOW_CLIENTS = 20
PAGES = 3
# Nobody waits longer for a page.
PAGE_SECONDS = 10
BODY_MEGABYTES = 100
PIECE = bytes(65536)
BOUNDARY = b"a-line-between-parts"
FILE_HEAD = b"--%b\r\nContent-Disposition: form-data; name=file; filename=file\r\n\r\n" % BOUNDARY
FILE_END = b"\r\n--%b--\r\n" % BOUNDARY
# What the web process may take more for a body that it refuses.
MEMORY_MEGABYTES = 50
LIMIT = {
    "waitress": "Waitress' --max-request-body-size=5000000",
    "flask": "Flask's MAX_CONTENT_LENGTH = 5_000_000",
    "starlette": "Starlette has no limit of its own, so a middleware has to count what it receives",
    "django": "Django's DATA_UPLOAD_MAX_MEMORY_SIZE does not count files, so a middleware has to look"
    " at CONTENT_LENGTH before it reads request.POST",
}
IN_PARTS = (
    "Take a server that passes a body on in parts. Daphne, for one, reads a form into memory, twelve"
    " times its size, before the application sees it."
)


def slow_clients(stage: Stage) -> Finding:
    """Ask for a page beside SLOW_CLIENTS, which hold nothing up if the server reads bodies before
    it gives a request to a thread, and sends responses after it.

    Heroku's router passes a body on as it comes, and holds 1 MB of a response:
    https://devcenter.heroku.com/articles/http-routing
    """
    web, path, limit = stage.web, stage.paths[0], stage.platform.response_seconds
    found, started = Finding(), time.monotonic()
    with ExitStack() as stack:
        for number in range(SLOW_CLIENTS):
            client = stack.enter_context(Raw(web, receive_buffer=4096))
            if number % 2:
                client.send(path)
            else:
                client.socket.sendall(form_head(web, path, 100_000) + FILE_HEAD)
        for _ in range(PAGES):
            found.samples.append(time_page(web, path, limit, started))
            if found.samples[-1].is_lost:
                break
    slowest = max(sample.milliseconds for sample in found.samples)
    beside = f"beside {SLOW_CLIENTS} clients that are slow to send or read"
    if found.samples[-1].is_lost or slowest > PAGE_SECONDS * 1000:
        late = f"after {limit:.0f} s (timeout of the router: {stage.platform.late})"
        found.fail(
            f"page {late if slowest >= limit * 1000 else f'after {slowest / 1000:.0f} s'} {beside}",
            "Take a server that reads a body before it takes up a thread, such as Waitress or an ASGI"
            " server, or that needs no thread for it, such as Gunicorn with --worker-class gevent.",
            web.process.output(),
        )
        stage.close_web()
    else:
        found.text = f"a page in {slowest:.0f} ms {beside}"
    found.figures = {"slowest_page_ms": round(slowest)}
    return found


def form_head(web: Web, path: str, size: int, chunked: bool = False) -> bytes:
    """The head of a request whose form has ``size`` bytes."""
    length = {"Transfer_Encoding": "chunked"} if chunked else {"Content_Length": str(size)}
    kind = f"multipart/form-data; boundary={BOUNDARY.decode()}"
    return request(web, path, "POST", Content_Type=kind, **length)


def form(size: int, chunked: bool) -> Iterator[bytes]:
    """A form with a file, as it goes over the wire."""
    whole, rest = divmod(size - len(FILE_HEAD) - len(FILE_END), len(PIECE))
    for piece in filter(None, [FILE_HEAD, *[PIECE] * whole, PIECE[:rest], FILE_END]):
        yield b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
    if chunked:
        yield b"0\r\n\r\n"


def time_page(web: Web, path: str, limit: float, started: float) -> Sample:
    sent = time.monotonic()
    try:
        with Raw(web, seconds=limit) as client:
            client.send(path, Connection="close")
            is_lost = client.read().status >= 500
    except OSError:
        is_lost = True
    return Sample(sent - started, (time.monotonic() - sent) * 1000, is_lost)


def large_body(stage: Stage) -> Finding:
    """Send a form with a file of BODY_MEGABYTES until there is an answer: once with its length
    announced, once in chunks.

    Who answers before the end has not read the rest. After the end only 413 names a limit: 403, say,
    is what Django answers to any form without a token, after it has read and stored that.
    """
    found = Finding()
    limit = stage.advice("Let the server or the application answer 413 to a large body", LIMIT)
    for chunked in (False, True):
        web, path = stage.web, stage.paths[0]
        with Peak(web, stage.platform.folder, stage.temporary) as peak:
            sent, answer = send_form(web, path, BODY_MEGABYTES * 1_000_000, chunked)
        memory, disk = (max(peak.more(name), 0) for name in ("memory", "disk"))
        found.figures = {
            "sent_megabytes": round(sent),
            "memory_megabytes": round(memory),
            "disk_megabytes": round(disk),
        }
        taken = f"{memory:.0f} MB of memory, {disk:.0f} MB on disk"
        if answer == "closed" and web.process.ends_within(1):
            found.fail(f"the web process ended after {sent:.0f} MB", limit, web.process.output())
        elif sent >= BODY_MEGABYTES and answer != "413":
            found.fail(f"all {sent:.0f} MB taken, then {answer}: no limit; {taken}", limit)
        elif memory > MEMORY_MEGABYTES:
            found.fail(f"{answer} after {sent:.0f} MB, {taken}", IN_PARTS)
        if found.status != "ok":
            break
        found.text = f"{answer} after {sent:.0f} MB, {taken}"
    return found


def send_form(web: Web, path: str, size: int, chunked: bool) -> tuple[float, str]:
    """How many MB were sent, and the status, or how the connection ended."""
    sent = 0

    def pieces():
        nonlocal sent
        for piece in chain([form_head(web, path, size, chunked)], form(size, chunked)):
            yield piece
            sent += len(piece)

    with Raw(web) as client:
        response = client.send_until_answered(pieces())
    return sent / 1e6, str(response.status) if response else "closed"
