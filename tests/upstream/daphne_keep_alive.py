"""Daphne: an idle connection is closed after 60 s, and no option changes that.

It takes 65 s.
"""

import time

from running import GET, connect, respond, serve


async def app(scope, receive, send):
    await respond(send)


def main() -> bool:
    """Return whether a connection is still open 65 s after a response."""
    with serve("daphne"), connect() as connection:
        connection.sendall(GET)
        while b"the body" not in connection.recv(65536):
            pass
        time.sleep(65)
        connection.setblocking(False)
        try:
            return bool(connection.recv(65536))
        except BlockingIOError:  # nothing, and no end either
            return True


if __name__ == "__main__":
    is_open = main()
    print("65 s after a response the connection is", "open" if is_open else "closed")
    assert is_open, "idle connections are closed after 60 s"
