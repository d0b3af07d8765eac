"""Daphne: an idle connection is closed after 60 s, and no option changes that.

pip install daphne
python daphne_keep_alive.py  # takes 65 s
"""

import os
import socket
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


def main() -> bool:
    """Return whether a connection is still open 65 s after a response."""
    command = [sys.executable, "-m", "daphne", "-p", str(PORT), f"{Path(__file__).stem}:app"]
    with subprocess.Popen(command, cwd=Path(__file__).parent, stderr=subprocess.DEVNULL) as server:
        try:
            with connect() as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                while b"the body" not in connection.recv(65536):
                    pass
                time.sleep(65)
                connection.setblocking(False)
                return bool(connection.recv(65536))
        except BlockingIOError:  # nothing, and no end either
            return True
        finally:
            server.terminate()


if __name__ == "__main__":
    is_open = main()
    print("65 s after a response the connection is", "open" if is_open else "closed")
    assert is_open, "idle connections are closed after 60 s"
