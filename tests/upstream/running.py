"""What the scripts beside this file share: they run their ``app`` on a server, or without one.

Each script needs the package that its name begins with: ``pip install daphne && python daphne_body.py``.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PORT = int(os.environ.get("PORT", "8765"))
ADDRESS = ("127.0.0.1", PORT)
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
GET_AND_CLOSE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@contextmanager
def serve(server: str, *flags: str) -> Iterator[subprocess.Popen]:
    """Run ``app`` of the script on the server; SIGTERM ends it."""
    script = Path(sys.argv[0])
    port = f"--bind=:{PORT}" if server == "gunicorn" else f"--port={PORT}"
    command = [sys.executable, "-m", server, port, *flags, f"{script.stem}:app"]
    with subprocess.Popen(command, cwd=script.parent, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


def connect() -> socket.socket:
    """Connect as soon as the server listens."""
    while True:
        try:
            return socket.create_connection(ADDRESS)
        except ConnectionRefusedError:
            time.sleep(0.1)


def response_after_sigterm(server: str) -> bytes:
    """Send a request, SIGTERM a second later, and return what is received."""
    with serve(server) as process, connect() as connection:
        connection.sendall(GET)
        time.sleep(1)
        process.terminate()
        return connection.recv(65536)


async def respond(send, body: bytes = b"the body", status: int = 200) -> None:
    """Send a whole response of an ASGI application."""
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})


def scope(path: str = "/") -> dict:
    """The scope of a request, for an ASGI application without a server."""
    request = {"type": "http", "http_version": "1.1", "method": "GET", "path": path}
    return request | {"query_string": b"", "headers": []}


async def send_request(application, path: str = "/"):
    """Send a request without a body to an ASGI application; returns asgiref's client."""
    from asgiref.testing import ApplicationCommunicator

    client = ApplicationCommunicator(application, scope(path))
    await client.send_input({"type": "http.request"})
    return client
