"""Daphne: SIGTERM drops the requests in flight.

pip install daphne
python daphne_sigterm.py
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

PORT = int(os.environ.get("PORT", "8765"))


async def app(scope, receive, send):
    await asyncio.sleep(2)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the body"})


def connect() -> socket.socket:
    while True:
        try:
            return socket.create_connection(("127.0.0.1", PORT))
        except ConnectionRefusedError:
            time.sleep(0.1)


def main() -> bytes:
    """Return what is received of a response when SIGTERM comes before it."""
    command = [sys.executable, "-m", "daphne", "-p", str(PORT), f"{Path(__file__).stem}:app"]
    options = {"cwd": Path(__file__).parent, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **options) as server, connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(1)
        server.terminate()
        return connection.recv(65536)


if __name__ == "__main__":
    received = main()
    print(f"received: {received!r}")
    assert b"the body" in received, "SIGTERM drops the requests in flight"
