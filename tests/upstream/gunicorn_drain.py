"""Gunicorn's gthread: a client that has its answer, and sends slowly, holds a thread until it ends.

pip install gunicorn
python gunicorn_drain.py
"""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

PORT = int(os.environ.get("PORT", "8765"))
UPLOAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def app(environ, start_response):
    start_response("403 Forbidden", [("Content-Length", "0")])  # without reading the body
    return []


def connect() -> socket.socket:
    while True:
        try:
            return socket.create_connection(("127.0.0.1", PORT))
        except ConnectionRefusedError:
            time.sleep(0.1)


def send_slowly(upload: socket.socket) -> None:
    try:
        while True:
            upload.sendall(b"x")
            time.sleep(0.5)
    except OSError:
        pass


def main() -> bool:
    """Return whether a request is answered within 10 s beside an upload that has its answer."""
    command = [sys.executable, "-m", "gunicorn", f"{Path(__file__).stem}:app", f"--bind=:{PORT}"]
    command += ["--worker-class=gthread", "--threads=1"]
    with subprocess.Popen(command, cwd=Path(__file__).parent, stderr=subprocess.DEVNULL) as server:
        try:
            with connect() as upload, connect() as other:
                upload.sendall(UPLOAD)
                upload.recv(65536)
                threading.Thread(target=send_slowly, args=[upload], daemon=True).start()
                other.sendall(REQUEST)
                other.settimeout(10)
                return bool(other.recv(65536))
        except TimeoutError:
            return False
        finally:
            server.terminate()


if __name__ == "__main__":
    is_answered = main()
    print("another request is", "answered" if is_answered else "not answered within 10 s")
    assert is_answered, "the thread reads what is left of a body"
