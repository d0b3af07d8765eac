"""asgiref: WsgiToAsgi does not call close() of a WSGI application's response.

pip install asgiref
python asgiref_wsgi_close.py
"""

import asyncio

from asgiref.testing import ApplicationCommunicator
from asgiref.wsgi import WsgiToAsgi

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
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    client = ApplicationCommunicator(WsgiToAsgi(app), scope | {"http_version": "1.1"})
    await client.send_input({"type": "http.request"})
    await client.wait()


if __name__ == "__main__":
    asyncio.run(main())
    print("close() was called" if closed else "close() was not called")
    assert closed, "close() is never called"
