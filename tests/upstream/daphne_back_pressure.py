"""Daphne: send() does not wait for a client that reads slowly, so the response is in memory."""

import time

from running import GET, connect, respond, serve

PARTS = 100
sent = 0


async def app(scope, receive, send):
    global sent
    if scope["path"] == "/sent":
        await respond(send, b"sent: %d" % sent)
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(PARTS):
        await send({"type": "http.response.body", "body": bytes(1_000_000), "more_body": True})
        sent += 1
    await send({"type": "http.response.body"})


def main() -> int:
    """Return how many parts are sent to a client that reads nothing."""
    with serve("daphne"), connect() as slow, connect() as other:
        slow.sendall(GET)
        time.sleep(3)
        other.sendall(b"GET /sent HTTP/1.0\r\n\r\n")
        received = b""
        while data := other.recv(65536):
            received += data
        return int(received.rpartition(b"sent: ")[2])


if __name__ == "__main__":
    parts = main()
    print(f"{parts} of {PARTS} parts of 1 MB are sent to a client that reads none of them")
    assert parts < PARTS, "send() does not wait for the client"
