"""Daphne: a body is read to its end before the application is called, which cannot reject it."""

from running import connect, respond, serve

SIZE = 100_000_000


async def app(scope, receive, send):
    await respond(send, b"too large", 413)


def main() -> int:
    """Return how many bytes are taken before the answer."""
    with serve("daphne"), connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % SIZE)
        connection.settimeout(1)  # a response would be here by then
        try:
            connection.recv(65536)
            return 0
        except TimeoutError:
            connection.settimeout(None)
        connection.sendall(bytes(SIZE))
        connection.recv(65536)
        return SIZE


if __name__ == "__main__":
    taken = main()
    print(f"{taken:,} bytes are taken before a 413 that needs none of them")
    assert taken < SIZE, "the body is read to its end before the application is called"
