"""Daphne: a body is read to its end before the application is called, which cannot refuse it.

pip install daphne
python daphne_body.py
"""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

PORT = int(os.environ.get("PORT", "8765"))
SIZE = 100_000_000


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 413, "headers": []})
    await send({"type": "http.response.body", "body": b"too large"})


def connect() -> socket.socket:
    while True:
        try:
            return socket.create_connection(("127.0.0.1", PORT))
        except ConnectionRefusedError:
            time.sleep(0.1)


def main() -> int:
    """Return how many bytes are taken before the answer."""
    command = [sys.executable, "-m", "daphne", "-p", str(PORT), f"{Path(__file__).stem}:app"]
    with subprocess.Popen(command, cwd=Path(__file__).parent, stderr=subprocess.DEVNULL) as server:
        try:
            with connect() as connection:
                connection.sendall(
                    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % SIZE
                )
                connection.settimeout(1)  # a response would be here by then
                try:
                    connection.recv(65536)
                    return 0
                except TimeoutError:
                    connection.settimeout(None)
                connection.sendall(bytes(SIZE))
                connection.recv(65536)
                return SIZE
        finally:
            server.terminate()


if __name__ == "__main__":
    taken = main()
    print(f"{taken:,} bytes are taken before a 413 that needs none of them")
    assert taken < SIZE, "the body is read to its end before the application is called"
