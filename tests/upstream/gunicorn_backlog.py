"""Gunicorn: at SIGTERM the connections in the backlog are reset.

pip install gunicorn
python gunicorn_backlog.py
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
    time.sleep(2)
    start_response("200 OK", [("Content-Length", "0")])
    return []


def connect() -> socket.socket:
    while True:
        try:
            return socket.create_connection(("127.0.0.1", PORT))
        except ConnectionRefusedError:
            time.sleep(0.1)


def answer(connection: socket.socket) -> str:
    try:
        return "answered" if connection.recv(65536) else "closed without an answer"
    except ConnectionResetError:
        return "reset"


def main(*flags: str) -> list[str]:
    """Return what becomes of three requests before SIGTERM, of which one has been accepted."""
    command = [sys.executable, "-m", "gunicorn", f"{Path(__file__).stem}:app", f"--bind=:{PORT}"]
    command += flags
    with subprocess.Popen(command, cwd=Path(__file__).parent, stderr=subprocess.DEVNULL) as server:
        connections = [connect() for _ in range(3)]
        for connection in connections:
            connection.sendall(REQUEST)
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
