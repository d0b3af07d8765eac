"""Uvicorn with --workers: each body waits 40 ms for the client's delayed ACK."""

import socket
import statistics
import time

from running import GET, connect, respond, serve


async def app(scope, receive, send):
    await respond(send)


def request(connection: socket.socket) -> float:
    """Return how many milliseconds a request takes."""
    start, received = time.monotonic(), b""
    connection.sendall(GET)
    while b"the body" not in received:
        received += connection.recv(65536)
    return (time.monotonic() - start) * 1000


def median_with(workers: int) -> float:
    flags = ("--lifespan=off", "--log-level=critical", f"--workers={workers}")
    with serve("uvicorn", *flags), connect() as connection:
        # Linux acknowledges the first segments of a connection at once.
        return statistics.median([request(connection) for _ in range(50)])


if __name__ == "__main__":
    one, two = median_with(workers=1), median_with(workers=2)
    print(f"a request takes {one:.1f} ms with one process, {two:.1f} ms with two")
    assert two < one + 30, "TCP_NODELAY is off with --workers"
