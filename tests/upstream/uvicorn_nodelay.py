"""Uvicorn with --workers: each body waits 40 ms for the client's delayed ACK.

pip install uvicorn
python uvicorn_nodelay.py
"""

import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

PORT = int(os.environ.get("PORT", "8765"))


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the body"})


def connect() -> socket.socket:
    while True:
        try:
            return socket.create_connection(("127.0.0.1", PORT))
        except ConnectionRefusedError:
            time.sleep(0.1)


def request(connection: socket.socket) -> float:
    """Return how many milliseconds a request takes."""
    start, received = time.monotonic(), b""
    connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    while b"the body" not in received:
        received += connection.recv(65536)
    return (time.monotonic() - start) * 1000


def median_with(workers: int) -> float:
    command = [sys.executable, "-m", "uvicorn", f"{Path(__file__).stem}:app", "--lifespan=off"]
    command += [f"--port={PORT}", f"--workers={workers}", "--log-level=critical"]
    with subprocess.Popen(command, cwd=Path(__file__).parent) as server:
        try:
            with connect() as connection:
                # Linux acknowledges the first segments of a connection at once.
                return statistics.median([request(connection) for _ in range(50)])
        finally:
            server.terminate()


if __name__ == "__main__":
    one, two = median_with(workers=1), median_with(workers=2)
    print(f"a request takes {one:.1f} ms with one process, {two:.1f} ms with two")
    assert two < one + 30, "TCP_NODELAY is off with --workers"
