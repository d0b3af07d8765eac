"""asgiref: WsgiToAsgi does not call close() of a WSGI application's response."""

import asyncio

from asgiref.wsgi import WsgiToAsgi
from running import send_request

closed = False


class Response:
    def __iter__(self):
        yield b"the body"

    def close(self):
        """Django ends a request here: it closes files and database connections."""
        global closed
        closed = True


def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "8")])
    return Response()


async def main() -> None:
    client = await send_request(WsgiToAsgi(app))
    await client.wait()


if __name__ == "__main__":
    asyncio.run(main())
    print("close() was called" if closed else "close() was not called")
    assert closed, "close() is never called"
