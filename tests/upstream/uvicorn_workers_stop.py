"""Uvicorn with --workers: while it stops, connections are accepted, and reset at the end.

pip install uvicorn
python uvicorn_workers_stop.py
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

PORT = int(os.environ.get("PORT", "8765"))
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


async def app(scope, receive, send):
    await asyncio.sleep(4)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body"})


def connect() -> socket.socket:
    while True:
        try:
            return socket.create_connection(("127.0.0.1", PORT))
        except ConnectionRefusedError:
            time.sleep(0.1)


def late_request(workers: int) -> str:
    """Return what becomes of a request 2 s after SIGTERM, while another is in flight."""
    command = [sys.executable, "-m", "uvicorn", f"{Path(__file__).stem}:app", "--lifespan=off"]
    command += [f"--port={PORT}", f"--workers={workers}", "--log-level=critical"]
    with subprocess.Popen(command, cwd=Path(__file__).parent) as server, connect() as in_flight:
        in_flight.sendall(REQUEST)
        time.sleep(1)  # both workers have started by now
        server.terminate()
        time.sleep(2)
        try:
            with socket.create_connection(("127.0.0.1", PORT)) as late:
                late.sendall(REQUEST)
                return "answered" if late.recv(65536) else "closed without an answer"
        except ConnectionRefusedError:
            return "refused"  # so a router asks another instance
        except ConnectionResetError:
            return "accepted, then reset"


if __name__ == "__main__":
    one, two = late_request(workers=1), late_request(workers=2)
    print(f"a connection after SIGTERM: {one} with one process, {two} with two")
    assert two in ("refused", "answered"), "with --workers connections are lost at SIGTERM"
