"""Daphne: send() does not wait for a client that reads slowly, so the response is in memory.

pip install daphne
python daphne_back_pressure.py
"""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

PORT = int(os.environ.get("PORT", "8765"))
PARTS = 100
sent = 0


async def app(scope, receive, send):
    global sent
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/sent":
        await send({"type": "http.response.body", "body": b"sent: %d" % sent})
        return
    for _ in range(PARTS):
        await send({"type": "http.response.body", "body": bytes(1_000_000), "more_body": True})
        sent += 1
    await send({"type": "http.response.body"})


def connect() -> socket.socket:
    while True:
        try:
            return socket.create_connection(("127.0.0.1", PORT))
        except ConnectionRefusedError:
            time.sleep(0.1)


def main() -> int:
    """Return how many parts are sent to a client that reads nothing."""
    command = [sys.executable, "-m", "daphne", "-p", str(PORT), f"{Path(__file__).stem}:app"]
    with subprocess.Popen(command, cwd=Path(__file__).parent, stderr=subprocess.DEVNULL) as server:
        try:
            with connect() as slow, connect() as other:
                slow.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                time.sleep(3)
                other.sendall(b"GET /sent HTTP/1.0\r\n\r\n")
                received = b""
                while data := other.recv(65536):
                    received += data
                return int(received.rpartition(b"sent: ")[2])
        finally:
            server.terminate()


if __name__ == "__main__":
    parts = main()
    print(f"{parts} of {PARTS} parts of 1 MB are sent to a client that reads none of them")
    assert parts < PARTS, "send() does not wait for the client"
