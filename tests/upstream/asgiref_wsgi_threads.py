"""asgiref: WsgiToAsgi handles one request at a time, although wsgi.multithread is true."""

import asyncio
import threading

from asgiref.wsgi import WsgiToAsgi
from running import send_request

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
    application = WsgiToAsgi(app)
    clients = [await send_request(application) for _ in range(2)]
    await asyncio.gather(*(client.wait(timeout=10) for client in clients))


if __name__ == "__main__":
    asyncio.run(main())
    print("two requests at once ran:", *answers, sep="\n  ")
    assert "alone" not in answers, "all requests share one thread"
