"""asgiref: WsgiToAsgi passes a chunked body on without its length, so most frameworks read none.

pip install asgiref
python asgiref_wsgi_body.py
"""

import asyncio

from asgiref.testing import ApplicationCommunicator
from asgiref.wsgi import WsgiToAsgi

environ = {}


def app(received, start_response):
    environ.update(received)
    start_response("200 OK", [("Content-Length", "0")])
    return []


async def main() -> None:
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b""}
    scope |= {"http_version": "1.1", "headers": [(b"transfer-encoding", b"chunked")]}
    client = ApplicationCommunicator(WsgiToAsgi(app), scope)
    await client.send_input({"type": "http.request", "body": b"the ", "more_body": True})
    await client.send_input({"type": "http.request", "body": b"body"})
    await client.wait()


if __name__ == "__main__":
    asyncio.run(main())
    length, is_terminated = environ.get("CONTENT_LENGTH"), environ.get("wsgi.input_terminated")
    print(f"CONTENT_LENGTH: {length}, wsgi.input_terminated: {is_terminated}")
    assert length or is_terminated, "nothing says that there is a body"
