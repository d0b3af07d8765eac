"""Gunicorn: at SIGTERM the connections in the backlog are reset."""

import socket
import time

from running import GET_AND_CLOSE, connect, serve


def app(environ, start_response):
    time.sleep(2)
    start_response("200 OK", [("Content-Length", "0")])
    return []


def answer(connection: socket.socket) -> str:
    try:
        return "answered" if connection.recv(65536) else "closed without an answer"
    except ConnectionResetError:
        return "reset"


def main(*flags: str) -> list[str]:
    """Return what becomes of three requests before SIGTERM, of which one has been accepted."""
    with serve("gunicorn", *flags) as server:
        connections = [connect() for _ in range(3)]
        for connection in connections:
            connection.sendall(GET_AND_CLOSE)
        time.sleep(1)
        server.terminate()
        return [answer(connection) for connection in connections]


if __name__ == "__main__":
    sync = main()
    # A worker that has as many connections as it takes.
    threads = main("--worker-class=gthread", "--threads=1", "--worker-connections=1")
    print("three requests before SIGTERM with sync:", *sync)
    print("three requests before SIGTERM with gthread:", *threads)
    assert {*sync, *threads} == {"answered"}, "the backlog is lost at SIGTERM"
