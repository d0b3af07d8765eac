"""Waitress: for each event, all open connections are asked and polled."""

import select
import socket
import threading

import waitress
from running import ADDRESS, GET, PORT

IDLE = 400
polled = 0
select_select = select.select


def counting_select(read, write, *others):
    global polled
    polled += len(read) + len(write)
    return select_select(read, write, *others)


def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "0")])
    return []


def ask(connection: socket.socket) -> None:
    connection.sendall(GET)
    connection.recv(65536)


def polled_by(connection: socket.socket) -> float:
    """Return how many descriptors a request polls."""
    before = polled
    for _ in range(200):
        ask(connection)
    return (polled - before) / 200


def main() -> tuple[float, float]:
    server = waitress.create_server(app, listen=f"127.0.0.1:{PORT}", connection_limit=1000)
    threading.Thread(target=server.run, daemon=True).start()
    connection = socket.create_connection(ADDRESS)
    alone = polled_by(connection)
    idle = [socket.create_connection(ADDRESS) for _ in range(IDLE)]
    for other in idle:
        ask(other)
    return alone, polled_by(connection)


if __name__ == "__main__":
    select.select = counting_select
    alone, beside = main()
    print(f"a request polls {alone:.0f} descriptors, {beside:.0f} beside {IDLE} idle connections")
    assert beside <= alone * 10, "all connections are polled for each event"
