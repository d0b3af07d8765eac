"""asgiref: WsgiToAsgi handles one request at a time, although wsgi.multithread is true.

pip install asgiref
python asgiref_wsgi_threads.py
"""

import asyncio
import threading

from asgiref.testing import ApplicationCommunicator
from asgiref.wsgi import WsgiToAsgi

both = threading.Barrier(2)
answers = []


def app(environ, start_response):
    try:
        both.wait(timeout=2)
        answers.append("beside the other")
    except threading.BrokenBarrierError:
        answers.append("alone")
    start_response("200 OK", [("Content-Length", "0")])
    return []


async def main() -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    application = WsgiToAsgi(app)
    clients = [
        ApplicationCommunicator(application, scope | {"http_version": "1.1"}) for _ in range(2)
    ]
    for client in clients:
        await client.send_input({"type": "http.request"})
    await asyncio.gather(*(client.wait(timeout=10) for client in clients))


if __name__ == "__main__":
    asyncio.run(main())
    print("two requests at once ran:", *answers, sep="\n  ")
    assert "alone" not in answers, "all requests share one thread"
