"""Daphne: a WebSocket cannot be closed with 1012, "service restart".

pip install daphne websockets
python daphne_close_code.py
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

PORT = int(os.environ.get("PORT", "8765"))


async def app(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": 1012})


def close_code() -> int | None:
    """Return the code that the client receives."""
    command = [sys.executable, "-m", "daphne", "-p", str(PORT), f"{Path(__file__).stem}:app"]
    with subprocess.Popen(command, cwd=Path(__file__).parent, stderr=subprocess.DEVNULL) as server:
        try:
            while True:
                try:
                    with connect(f"ws://127.0.0.1:{PORT}/") as socket:
                        socket.recv(timeout=10)
                except ConnectionRefusedError:
                    time.sleep(0.1)
        except ConnectionClosed as closed:
            return closed.rcvd and closed.rcvd.code
        finally:
            server.terminate()


if __name__ == "__main__":
    code = close_code()
    print("closed with", code)
    assert code == 1012, "websocket.close with the code 1012 fails"
