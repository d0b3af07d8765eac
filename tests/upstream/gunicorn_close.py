"""Gunicorn's gthread: a client that keeps its connection open stops the worker for 2 s."""

import socket
import time

from running import GET_AND_CLOSE, connect, serve


def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "0")])
    return []


def ask(connection: socket.socket) -> None:
    connection.sendall(GET_AND_CLOSE)
    connection.recv(65536)  # the client does not close


def main() -> float:
    """Return how long a request takes beside three clients that have their answer."""
    with serve("gunicorn", "--worker-class=gthread", "--threads=8"):
        lingering = [connect() for _ in range(3)]
        for connection in lingering:
            ask(connection)
        start = time.monotonic()
        ask(connect())
        return time.monotonic() - start


if __name__ == "__main__":
    seconds = main()
    print(f"a request beside three clients that have their answer takes {seconds:.1f} s")
    assert seconds < 2, "close_graceful() blocks the worker's main loop"
