"""Gunicorn's gthread: a client that has its answer, and sends slowly, holds a thread until it ends."""

import socket
import threading
import time
from contextlib import suppress

from running import GET, connect, serve

UPLOAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"


def app(environ, start_response):
    start_response("403 Forbidden", [("Content-Length", "0")])  # without reading the body
    return []


def send_slowly(upload: socket.socket) -> None:
    with suppress(OSError):
        while True:
            upload.sendall(b"x")
            time.sleep(0.5)


def main() -> bool:
    """Return whether a request is answered within 10 s beside an upload that has its answer."""
    flags = ("--worker-class=gthread", "--threads=1")
    with serve("gunicorn", *flags), connect() as upload, connect() as other:
        upload.sendall(UPLOAD)
        upload.recv(65536)
        threading.Thread(target=send_slowly, args=[upload], daemon=True).start()
        other.sendall(GET)
        other.settimeout(10)
        try:
            return bool(other.recv(65536))
        except TimeoutError:
            return False


if __name__ == "__main__":
    is_answered = main()
    print("another request is", "answered" if is_answered else "not answered within 10 s")
    assert is_answered, "the thread reads what is left of a body"
