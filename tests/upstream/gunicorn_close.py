"""Gunicorn's gthread: a client that keeps its connection open stops the worker for 2 s.

pip install gunicorn
python gunicorn_close.py
"""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

PORT = int(os.environ.get("PORT", "8765"))
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "0")])
    return []


def connect() -> socket.socket:
    while True:
        try:
            return socket.create_connection(("127.0.0.1", PORT))
        except ConnectionRefusedError:
            time.sleep(0.1)


def ask(connection: socket.socket) -> None:
    connection.sendall(REQUEST)
    connection.recv(65536)


def main() -> float:
    """Return how long a request takes beside three clients that have their answer."""
    command = [sys.executable, "-m", "gunicorn", f"{Path(__file__).stem}:app", f"--bind=:{PORT}"]
    command += ["--worker-class=gthread", "--threads=8"]
    with subprocess.Popen(command, cwd=Path(__file__).parent, stderr=subprocess.DEVNULL) as server:
        try:
            lingering = [connect() for _ in range(3)]
            for connection in lingering:
                connection.sendall(REQUEST)
            for connection in lingering:
                connection.recv(65536)  # the answer; the client does not close
            start = time.monotonic()
            ask(connect())
            return time.monotonic() - start
        finally:
            server.terminate()


if __name__ == "__main__":
    seconds = main()
    print(f"a request beside three clients that have their answer takes {seconds:.1f} s")
    assert seconds < 2, "close_graceful() blocks the worker's main loop"
