"""Waitress: SIGTERM ends the process at once, with its requests in flight.

pip install waitress
python waitress_sigterm.py
"""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

PORT = int(os.environ.get("PORT", "8765"))


def app(environ, start_response):
    time.sleep(2)
    start_response("200 OK", [("Content-Length", "8")])
    return [b"the body"]


def connect() -> socket.socket:
    while True:
        try:
            return socket.create_connection(("127.0.0.1", PORT))
        except ConnectionRefusedError:
            time.sleep(0.1)


def main() -> bytes:
    """Return what is received of a response when SIGTERM comes before it."""
    command = [sys.executable, "-m", "waitress", f"--port={PORT}", f"{Path(__file__).stem}:app"]
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
