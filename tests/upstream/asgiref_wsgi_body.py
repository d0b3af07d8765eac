"""asgiref: WsgiToAsgi passes a chunked body on without its length, so most frameworks read none."""

import asyncio

from asgiref.testing import ApplicationCommunicator
from asgiref.wsgi import WsgiToAsgi
from running import scope

environ = {}


def app(received, start_response):
    environ.update(received)
    start_response("200 OK", [("Content-Length", "0")])
    return []


async def main() -> None:
    request = scope(method="POST", headers=[(b"transfer-encoding", b"chunked")])
    client = ApplicationCommunicator(WsgiToAsgi(app), request)
    await client.send_input({"type": "http.request", "body": b"the ", "more_body": True})
    await client.send_input({"type": "http.request", "body": b"body"})
    await client.wait()


if __name__ == "__main__":
    asyncio.run(main())
    length, is_terminated = environ.get("CONTENT_LENGTH"), environ.get("wsgi.input_terminated")
    print(f"CONTENT_LENGTH: {length}, wsgi.input_terminated: {is_terminated}")
    assert length or is_terminated, "nothing says that there is a body"
