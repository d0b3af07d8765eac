"""Daphne: a WebSocket cannot be closed with 1012, "service restart".

It needs websockets, too.
"""

from running import PORT, connect, serve
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as open_websocket


async def app(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": 1012})


def close_code() -> int | None:
    """Return the code that the client receives."""
    with serve("daphne"), connect(), open_websocket(f"ws://127.0.0.1:{PORT}/") as websocket:
        try:
            websocket.recv(timeout=10)
        except ConnectionClosed as closed:
            return closed.rcvd and closed.rcvd.code


if __name__ == "__main__":
    code = close_code()
    print("closed with", code)
    assert code == 1012, "websocket.close with the code 1012 fails"
