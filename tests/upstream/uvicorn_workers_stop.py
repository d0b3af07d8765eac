"""Uvicorn with --workers: while it stops, connections are accepted, and reset at the end."""

import asyncio
import socket
import time

from running import ADDRESS, GET_AND_CLOSE, connect, respond, serve


async def app(scope, receive, send):
    await asyncio.sleep(4)
    await respond(send)


def late_request(workers: int) -> str:
    """Return what becomes of a request 2 s after SIGTERM, while another is in flight."""
    flags = ("--lifespan=off", "--log-level=critical", f"--workers={workers}")
    with serve("uvicorn", *flags) as server, connect() as in_flight:
        in_flight.sendall(GET_AND_CLOSE)
        time.sleep(1)  # both workers have started by now
        server.terminate()
        time.sleep(2)
        try:
            with socket.create_connection(ADDRESS) as late:
                late.sendall(GET_AND_CLOSE)
                return "answered" if late.recv(65536) else "closed without an answer"
        except ConnectionRefusedError:
            return "refused"  # so a router asks another instance
        except ConnectionResetError:
            return "accepted, then reset"


if __name__ == "__main__":
    one, two = late_request(workers=1), late_request(workers=2)
    print(f"a connection after SIGTERM: {one} with one process, {two} with two")
    assert two in ("refused", "answered"), "with --workers connections are lost at SIGTERM"
