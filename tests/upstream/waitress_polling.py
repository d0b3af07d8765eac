"""Waitress: for each event, all open connections are asked and polled.

pip install waitress
python waitress_polling.py
"""

import select
import socket
import threading
import time

import waitress

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
    connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    connection.recv(65536)


def cost(connection: socket.socket) -> tuple[float, float]:
    """Return the CPU time of a request, in milliseconds, and how many descriptors it polls."""
    start, before = time.process_time(), polled
    for _ in range(200):
        ask(connection)
    return (time.process_time() - start) * 5, (polled - before) / 200


def main() -> list[tuple[float, float]]:
    server = waitress.create_server(app, listen="127.0.0.1:0", connection_limit=1000)
    threading.Thread(target=server.run, daemon=True).start()
    address = ("127.0.0.1", int(server.effective_port))
    connection = socket.create_connection(address)
    alone = cost(connection)
    idle = [socket.create_connection(address) for _ in range(IDLE)]
    for other in idle:
        ask(other)
    return [alone, cost(connection)]


if __name__ == "__main__":
    select.select = counting_select
    alone, beside = main()
    for clients, (milliseconds, descriptors) in [(0, alone), (IDLE, beside)]:
        print(
            f"beside {clients} idle connections a request takes {milliseconds:.2f} ms of CPU",
            end="",
        )
        print(f" and polls {descriptors:.0f} descriptors")
    assert beside[1] <= alone[1] * 10, "all connections are polled for each event"
